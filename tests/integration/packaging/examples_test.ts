import assert from "node:assert/strict";
import { manualPages } from "../../../scripts/package/man.ts";
import { flat } from "../../../scripts/package/man_block.ts";
import { membersOf } from "../../../scripts/package/man_interface.ts";
import { main as stacctl } from "../../../src/ctl/stacctl.ts";
import { main as stafctl } from "../../../src/ctl/stafctl.ts";
import { main as stasadm } from "../../../src/ctl/stasadm.ts";
import { fakeWorld } from "../../unit/ctl/fake_world.ts";
import { sampleDaemon } from "../ctl/sample_daemon.ts";
import { privateBus } from "../dbus/private_bus.ts";

const TOOLS: Readonly<Record<string, typeof stafctl>> = { stafctl, stacctl, stasadm };

interface Example {
  readonly at: string;
  readonly words: readonly string[];
}

/** Words of a shell line up to the first pipe or redirection; quotes are single ones. */
function wordsOf(line: string): string[] {
  const [command = ""] = line.split(/ [|>]/);
  return [...command.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, bare]) => quoted ?? bare ?? "");
}

/** Commands in the manual pages and the documents. */
function commands(): readonly Example[] {
  const blocks = manualPages().flatMap(({ name, blocks }) =>
    flat(blocks).flatMap((block) =>
      block.is === "code" && block.kind === "console" ? [{ at: name, lines: block.lines }] : []
    )
  );
  const documents = ["README.md", "TESTING.md", "docs/operations.md"].flatMap((at) => {
    const fences = Deno.readTextFileSync(at).matchAll(/^```console\n(.*?)^```$/gms);
    return [...fences].map(([, text = ""]) => ({ at, lines: text.trimEnd().split("\n") }));
  });
  return [...blocks, ...documents].flatMap(({ at, lines }) =>
    lines.filter((line) => /^[$#] /.test(line)).map((line) => ({ at, words: wordsOf(line.slice(2)) }))
  );
}

Deno.test("example: commands of the manual pages and documents are understood by the tools", async () => {
  await using bus = await privateBus();
  const daemon = await sampleDaemon(bus.address);
  const confDir = await Deno.makeTempDir();
  const home = await Deno.makeTempDir();
  // What an example reads exists.
  await Deno.writeTextFile(`${confDir}/discovery.conf`, "-t tcp -a 192.0.2.11 -s 8009\n");
  let ran = 0;
  try {
    for (const { at, words: [program = "", ...args] } of commands()) {
      const main = TOOLS[program];
      if (main === undefined) continue;
      // Files that an example writes go to a place of ours.
      const here = program === "stasadm"
        ? args.map((word) => word.replace(/^\/etc\/nvme\//, `${confDir}/`).replace(/^~\//, `${home}/${ran}/`))
        : args;
      const world = fakeWorld({ bus: bus.address, confDir, interrupted: Promise.resolve() });
      const status = await main(here, world);
      assert.doesNotMatch(world.err.text, /^usage: /, `${at}: ${program} ${args.join(" ")}`);
      if (program === "stasadm") assert.equal(status, 0, world.err.text);
      ran += 1;
    }
  } finally {
    daemon.close();
    await Deno.remove(confDir, { recursive: true });
    await Deno.remove(home, { recursive: true });
  }
  assert.ok(ran >= 20, `only ${ran} examples were found`);
});

Deno.test("example: calls by busctl name members that there are, with their signature", () => {
  const calls = commands().filter(({ words }) => words[0] === "busctl");
  assert.ok(calls.length >= 8);
  for (const { at, words } of calls) {
    const [, verb, service = "", path, name = "", member = "", signature = "", ...args] = words;
    assert.equal(path, `/${service.replaceAll(".", "/")}`, at);
    const found = membersOf(name).find((one) => one.name === member);
    assert.ok(found !== undefined, `${at}: ${name} has no ${member}`);
    assert.equal(found.kind, verb === "call" ? "method" : "property", at);
    const wanted = /\((.*?)\)/.exec(found.synopsis)?.[1] ?? "";
    const types = found.kind === "property" || wanted === ""
      ? ""
      : wanted.split(", ").map((arg) => arg.split(" ")[0]).join("");
    assert.equal(signature, types, `${at}: ${words.join(" ")}`);
    assert.equal(args.length, types.length, `${at}: ${words.join(" ")}`);
  }
});
