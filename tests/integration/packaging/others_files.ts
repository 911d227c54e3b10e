/** Configuration that others own: a link to the installer's own file, as Ubuntu makes it, and blocks that Ansible manages. */
import assert from "node:assert/strict";
import { collect } from "../../../scripts/run.ts";
import { DebSystem } from "./deb_system.ts";
import type { RpmSystem } from "./rpm_system.ts";
import type { SmallSystem } from "./small_system.ts";

const OWN =
  "# written by the installer\n[Controllers]\ncontroller = transport=tcp;traddr=192.0.2.7;trsvcid=8009\n";
const BLOCK = "# by hand\n# BEGIN ANSIBLE MANAGED BLOCK\n[Controllers]\n" +
  "controller = transport=tcp;traddr=192.0.2.8;trsvcid=4420;nqn=nqn.2014-08.org.example:a\n# END ANSIBLE MANAGED BLOCK\n";
const SYS_BLOCK = "# BEGIN ANSIBLE MANAGED BLOCK\n[Host]\nsymname = rack 7\n# END ANSIBLE MANAGED BLOCK\n";
const LINKED = "/etc/installer/stafd.conf";

/** stafd.conf is a link to the installer's file, the other two have blocks that Ansible manages. */
async function othersConfigure(system: SmallSystem): Promise<void> {
  await Deno.mkdir(`${system.root}/etc/installer`, { recursive: true });
  await Deno.mkdir(`${system.root}/etc/stas`, { recursive: true });
  await system.write(LINKED, OWN);
  await collect(["ln", "-sf", `../installer/stafd.conf`, `${system.root}/etc/stas/stafd.conf`]);
  await system.write("/etc/stas/stacd.conf", BLOCK);
  await system.write("/etc/stas/sys.conf", SYS_BLOCK);
}

/** All of it is as others made it; stasadm may have added lines to sys.conf. */
async function isAsConfigured(system: SmallSystem, what: string): Promise<void> {
  assert.equal(await Deno.readLink(`${system.root}/etc/stas/stafd.conf`), "../installer/stafd.conf", what);
  assert.equal(await system.read(LINKED), OWN, what);
  assert.equal(await system.read("/etc/stas/stacd.conf"), BLOCK, what);
  const sys = await system.read("/etc/stas/sys.conf");
  const lines = SYS_BLOCK.trimEnd().split("\n");
  assert.deepEqual(sys.split("\n").filter((line) => lines.includes(line)), lines, `${what}: ${sys}`);
}

export async function checkDebKeepsOthers(dir: string, file: string, program: string): Promise<void> {
  // On a machine that never had nvme-stas, and over the original.
  for (const over of [false, true]) {
    const what = over ? "over the original" : "fresh";
    const system = await DebSystem.make(`${dir}/deb-${over}`, program);
    if (over) await system.dpkg("-i", system.original);
    await othersConfigure(system);
    await system.dpkg("-i", file);
    await isAsConfigured(system, `${what}: installed`);
    await system.dpkg("-i", file);
    await isAsConfigured(system, `${what}: upgraded`);
    const named = await system.run("/usr/bin/stasadm", "set-symname", "another");
    assert.ok(named.success, named.stderr);
    assert.match(await system.read("/etc/stas/sys.conf"), /^symname = another$/m);
    await system.write("/etc/stas/sys.conf", SYS_BLOCK);
    const checked = await system.run("/usr/bin/stafctl", "check");
    assert.match(checked.stdout, /192\.0\.2\.7.*stafd\.conf:3/, checked.stderr);
    // Removed and installed again.
    await system.dpkg("-r", "nvme-stas");
    assert.equal(await system.read(LINKED), OWN, `${what}: removed`);
    await system.dpkg("-i", file);
    await isAsConfigured(system, `${what}: installed again`);
    await system.dpkg("-P", "nvme-stas");
    assert.equal(await system.read(LINKED), OWN, `${what}: purged`);
    assert.equal(await Deno.readLink(`${system.root}/etc/stas/stafd.conf`), "../installer/stafd.conf", what);
    assert.deepEqual(await system.files("/etc/stas"), ["/etc/stas/stafd.conf"], what);
    assert.deepEqual(await system.files("/var/lib/nvme-stas"), [], what);
  }
  // A link whose file does not exist yet stays one, too.
  const system = await DebSystem.make(`${dir}/deb-dangling`, program);
  await othersConfigure(system);
  await Deno.remove(system.root + LINKED);
  await system.dpkg("-i", file);
  assert.equal(await Deno.readLink(`${system.root}/etc/stas/stafd.conf`), "../installer/stafd.conf");
}

export async function checkRpmKeepsOthers(system: RpmSystem, file: string, newer: string): Promise<void> {
  await othersConfigure(system);
  await system.attempt("-i", file);
  await isAsConfigured(system, "rpm: installed");
  await system.attempt("-U", newer);
  await isAsConfigured(system, "rpm: upgraded");
  await system.attempt("-e", "nvme-stas");
  assert.equal(await system.read(LINKED), OWN, "rpm: removed");
}
