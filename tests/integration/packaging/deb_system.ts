/** A small Debian in a folder, with dpkg's database, and programs that only note how they were called. */
import assert from "node:assert/strict";
import { capture, type Ended } from "../../../scripts/run.ts";
import { layOut, SmallSystem, within } from "./small_system.ts";

const NOTING = ["systemctl", "dbus-send", "modprobe", "deb-systemd-helper", "deb-systemd-invoke"];
/** What the package's scripts run besides, taken from here. */
const TOOLS = ["sh", "mkdir", "rm", "rmdir", "mv", "cp", "cmp", "dpkg-query", "true"];

/** The Python implementation's package, as far as dpkg looks at it: its configuration files are conffiles. */
const ORIGINAL = `Package: nvme-stas
Version: 2.4.1-2
Architecture: all
Maintainer: nobody <nobody@example.invalid>
Description: the Python implementation
`;

export class DebSystem extends SmallSystem {
  readonly original: string;

  private constructor(root: string, original: string) {
    super(root);
    this.original = original;
  }

  /** Makes one in `dir`, which has what `program` needs to run. */
  static async make(dir: string, program: string): Promise<DebSystem> {
    const root = `${dir}/system`;
    await Deno.mkdir(dir);
    await layOut(root, program, TOOLS, NOTING);
    for (const path of ["proc", "dev", "etc", "tmp", "var/lib/dpkg/info", "var/lib/dpkg/updates"]) {
      await Deno.mkdir(`${root}/${path}`, { recursive: true });
    }
    await Deno.writeTextFile(`${root}/var/lib/dpkg/status`, "");
    const tree = `${dir}/original`;
    await Deno.mkdir(`${tree}/DEBIAN`, { recursive: true });
    await Deno.chmod(`${tree}/DEBIAN`, 0o755);
    await Deno.mkdir(`${tree}/etc/stas`, { recursive: true });
    await Deno.writeTextFile(`${tree}/DEBIAN/control`, ORIGINAL);
    await Deno.writeTextFile(`${tree}/DEBIAN/conffiles`, "/etc/stas/stacd.conf\n/etc/stas/stafd.conf\n");
    for (const name of ["stafd", "stacd"]) {
      await Deno.writeTextFile(`${tree}/etc/stas/${name}.conf`, "[Global]\n");
    }
    const original = `${dir}/original.deb`;
    await capture(["dpkg-deb", "--root-owner-group", "-Znone", "--build", tree, original]);
    return new DebSystem(root, original);
  }

  async dpkg(...words: readonly string[]): Promise<void> {
    const command = ["dpkg", `--root=${this.root}`, "--force-depends", "--force-confold", ...words];
    const { success, stdout, stderr } = await within(this.root, command);
    assert.ok(success, `dpkg ${words.join(" ")}: ${stdout}${stderr}`);
  }

  /** Runs a command in it. */
  run(...command: readonly string[]): Promise<Ended> {
    return within(this.root, ["chroot", this.root, ...command]);
  }
}
