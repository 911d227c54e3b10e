/** Texts name no command of nvme-cli that one of its versions 2 and 3 does not have, unless they say which version has it. */
import assert from "node:assert/strict";

/** In both; those of version 2 that are aliases in version 3 are among them. */
const BOTH = new Set([
  "connect",
  "connect-all",
  "disconnect",
  "disconnect-all",
  "discover",
  "gen-dhchap-key",
  "list",
  "list-subsys",
  "version",
]);
/** In one of them; the version must be named beside it. */
const ONE: ReadonlyMap<string, RegExp> = new Map([
  ["check-tls-key", /nvme-cli 2/],
  ["keys", /nvme-cli 3/],
]);

const CODE = /(?:`|\*\*|"|: |# |or |see )nvme ([a-z]+(?:-[a-z]+)*)/g;

async function* texts(folder: string): AsyncGenerator<readonly [path: string, text: string]> {
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    const path = `${folder}/${name}`;
    if (isDirectory) yield* texts(path);
    else if (/\.(?:ts|md|page|conf|doc)$/.test(name)) yield [path, await Deno.readTextFile(path)];
  }
}

Deno.test("commands of nvme-cli in texts exist in versions 2 and 3, or with the version that has them", async () => {
  let seen = 0;
  for (const folder of ["src/ctl", "src/lib", "docs", "packaging/man", "etc"]) {
    for await (const [path, text] of texts(folder)) {
      if (path.startsWith("src/lib/sim")) continue;
      for (const match of text.matchAll(CODE)) {
        const [, command = ""] = match;
        if (BOTH.has(command)) seen++;
        else if (ONE.has(command)) {
          seen++;
          const around = text.slice(Math.max(0, match.index - 500), match.index + 500);
          assert.match(around, ONE.get(command) ?? /^$/, `${path}: nvme ${command}`);
        } else assert.fail(`${path}: is there an nvme ${command}?`);
      }
    }
  }
  assert.ok(seen > 15, `only ${seen} commands were found`);
});
