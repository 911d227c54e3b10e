import assert from "node:assert/strict";
import { collect, type Ended } from "../../../scripts/run.ts";

interface Place {
  readonly dir: string;
  /** Makes stafctl and stacctl end so. */
  tools(text: string, status: number): Promise<void>;
  write(): Promise<Ended>;
}

async function withPlace(test: (place: Place) => Promise<void>): Promise<void> {
  const base = await Deno.makeTempDir();
  const bin = `${base}/bin`;
  const dir = `${base}/out`;
  try {
    await Deno.mkdir(bin);
    await Deno.mkdir(dir);
    await test({
      dir,
      async tools(text, status) {
        for (const tool of ["stafctl", "stacctl"]) {
          await Deno.writeTextFile(
            `${bin}/${tool}`,
            `#!/bin/sh\necho "${text} ${tool} $1"\nexit ${status}\n`,
          );
          await Deno.chmod(`${bin}/${tool}`, 0o755);
        }
      },
      write: () =>
        collect(["sh", "packaging/metrics/write-metrics", dir], {
          env: { PATH: `${bin}:${Deno.env.get("PATH") ?? ""}` },
        }),
    });
  } finally {
    await Deno.remove(base, { recursive: true });
  }
}

const names = (dir: string): string[] => [...Deno.readDirSync(dir)].map(({ name }) => name).sort();

Deno.test("metrics are written whole for everybody to read, also of a daemon that is down", async () => {
  await withPlace(async ({ dir, tools, write }) => {
    for (const status of [0, 4]) {
      await tools(`status${status}`, status);
      assert.equal((await write()).code, 0);
      assert.deepEqual(names(dir), ["stacd.prom", "stafd.prom"]);
      assert.equal(await Deno.readTextFile(`${dir}/stafd.prom`), `status${status} stafctl metrics\n`);
      assert.equal(await Deno.readTextFile(`${dir}/stacd.prom`), `status${status} stacctl metrics\n`);
      assert.equal(((await Deno.stat(`${dir}/stafd.prom`)).mode ?? 0) & 0o777, 0o644);
    }
  });
});

Deno.test("a tool that fails leaves the file before, and nothing else", async () => {
  await withPlace(async ({ dir, tools, write }) => {
    await tools("good", 0);
    await write();
    await tools("bad", 1);
    assert.equal((await write()).code, 1);
    assert.deepEqual(names(dir), ["stacd.prom", "stafd.prom"]);
    assert.equal(await Deno.readTextFile(`${dir}/stafd.prom`), "good stafctl metrics\n");
  });
});

Deno.test("without a folder there is a message", async () => {
  const { code, stderr } = await collect(["sh", "packaging/metrics/write-metrics"]);
  assert.notEqual(code, 0);
  assert.match(stderr, /usage: write-metrics DIR/);
});
