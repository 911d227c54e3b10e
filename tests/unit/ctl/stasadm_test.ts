import assert from "node:assert/strict";
import { type IdentitySources, main } from "../../../src/ctl/stasadm.ts";
import vectors from "../../vectors/stasadm-hostnqn.json" with { type: "json" };
import { fakeWorld } from "./fake_world.ts";

interface Host {
  readonly dir: string;
  readonly machine: IdentitySources;
  run(...args: readonly string[]): Promise<readonly [number, string, string]>;
  read(name: string): string;
  /** Names of all files there are. */
  names(): readonly string[];
  mode(name: string): number;
}

async function onHost(
  test: (host: Host) => Promise<void>,
  over: Partial<IdentitySources> = {},
): Promise<void> {
  const dir = await Deno.makeTempDir();
  const machine = {
    machineId: `${dir}/machine-id`,
    productUuid: `${dir}/product_uuid`,
    partitionUuid: `${dir}/partition-uuid`,
    root: true,
    ...over,
  };
  try {
    await test({
      dir,
      machine,
      run: async (...args) => {
        const world = fakeWorld({ confDir: dir });
        return [await main(args, world, machine), world.out.text, world.err.text];
      },
      read: (name) => Deno.readTextFileSync(`${dir}/${name}`),
      names: () => [...Deno.readDirSync(dir)].map(({ name }) => name),
      mode: (name) => (Deno.statSync(`${dir}/${name}`).mode ?? 0) & 0o777,
    });
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

const SILENT = [0, "", ""] as const;

Deno.test("hostnqn from the machine-id, from DMI, from the device tree, from nothing (CLI-60 to CLI-64)", async () => {
  for (const { machine_id, hostnqn } of vectors.machine_id) {
    await onHost(async (host) => {
      await Deno.writeTextFile(host.machine.machineId, `${machine_id}\n`);
      assert.deepEqual(await host.run("hostnqn"), SILENT);
      assert.equal(host.read("sys.conf"), `[Host]\nnqn = ${hostnqn}\n\n`);
    });
  }
  for (const { product_uuid, out } of vectors.dmi) {
    await onHost(async (host) => {
      await Deno.writeTextFile(host.machine.productUuid, `${product_uuid}\n`);
      assert.deepEqual(await host.run("hostnqn"), SILENT);
      assert.match(host.read("sys.conf"), new RegExp(`^nqn = nqn.2014-08.org.nvmexpress:uuid:${out}$`, "m"));
    });
  }
  await onHost(async (host) => {
    assert.deepEqual(await host.run("hostnqn"), SILENT);
    assert.match(
      host.read("sys.conf"),
      /uuid:[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/m,
    );
  });
});

Deno.test("hostnqn of a machine without machine-id needs root (CLI-62)", () =>
  onHost(async (host) => {
    const [status, out, err] = await host.run("hostnqn");
    assert.deepEqual([status, out], [1, ""]);
    assert.match(err, /^stasadm: permission denied: .*sudo\n$/);
    assert.throws(() => host.read("sys.conf"), Deno.errors.NotFound);
  }, { root: false }));

Deno.test("with -f the value goes to the file and a reference to sys.conf, by its absolute path (CLI-65)", () =>
  onHost(async (host) => {
    assert.deepEqual(await host.run("hostid", "-f", `${host.dir}/hostid`), SILENT);
    assert.match(host.read("hostid"), /^[0-9a-f-]{36}\n$/);
    assert.deepEqual(await host.run("set-symname", "Luke Sky"), SILENT);
    // As verified with the original.
    assert.equal(host.read("sys.conf"), `[Host]\nid = file://${host.dir}/hostid\nsymname = Luke Sky\n\n`);
    assert.deepEqual([host.mode("sys.conf"), host.mode("hostid")], [0o644, 0o644]);
    const { default: process } = await import("node:process");
    const back = process.cwd();
    process.chdir(host.dir);
    try {
      assert.deepEqual(await host.run("hostid", "--file=other"), SILENT);
    } finally {
      process.chdir(back);
    }
    assert.match(
      host.read("sys.conf"),
      new RegExp(`^id = file://${await Deno.realPath(host.dir)}/other$`, "m"),
    );
  }));

Deno.test("what else is in sys.conf stays, comments included; -c chooses the file (CLI-66, CLI-68)", () =>
  onHost(async (host) => {
    const conf = `${host.dir}/my.conf`;
    await Deno.writeTextFile(conf, "# mine\n[Host]\nsymname=old ; name\n[Other]\nx=1\n");
    await Deno.chmod(conf, 0o640);
    assert.deepEqual(await host.run("-c", conf, "set-symname", "new"), SILENT);
    assert.equal(host.read("my.conf"), "# mine\n[Host]\nsymname = new\n[Other]\nx=1\n");
    assert.equal(host.mode("my.conf"), 0o640);
    assert.deepEqual(await host.run(`--conf=${conf}`, "clear-symname"), SILENT);
    assert.equal(host.read("my.conf"), "# mine\n[Host]\n[Other]\nx=1\n");
    assert.deepEqual(host.names(), ["my.conf"]);
  }));

Deno.test("what cannot be done is said in one line, and nothing is changed (CLI-67)", () =>
  onHost(async (host) => {
    const failing: readonly (readonly [readonly string[], RegExp])[] = [
      [["-c", `${host.dir}/none/sys.conf`, "hostid"], /none does not exist; make it: mkdir -p\n$/],
      [["hostid", "-f", `${host.dir}/none/hostid`], /cannot write .*none\/hostid/],
      [["set-symname", ""], /must be one line/],
      [["set-symname", "two\nlines"], /must be one line/],
      [["-c", host.dir, "hostid"], /cannot be read/],
    ];
    for (const [args, message] of failing) {
      const [status, out, err] = await host.run(...args);
      assert.deepEqual([status, out], [1, ""], args.join(" "));
      assert.match(err, message);
      assert.equal(err.trimEnd().split("\n").length, 1);
    }
    await Deno.writeTextFile(`${host.dir}/bad.conf`, "option = before a section\n");
    const [status, , err] = await host.run(
      "-c",
      `${host.dir}/bad.conf`,
      "hostid",
      "-f",
      `${host.dir}/hostid`,
    );
    assert.equal(status, 1);
    assert.match(err, /bad.conf:1:1: /);
    assert.deepEqual(host.names(), ["bad.conf"]);
    assert.deepEqual(await host.run("clear-symname"), SILENT);
    assert.throws(() => host.read("sys.conf"), Deno.errors.NotFound);
  }));
