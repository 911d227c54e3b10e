/**
 * A small RPM distribution in a folder: one package with a shell, the libraries that the program needs, and programs that
 * only note how they were called. rpm checks dependencies against it, and enters it for the packages' scripts.
 */
import assert from "node:assert/strict";
import { capture, type Ended } from "../../../scripts/run.ts";
import { layOut, SmallSystem, within } from "./small_system.ts";

/** What a distribution has besides, laid out below %{tree}, and what the original's package was. */
const OTHERS = `Name: base
Version: 1
Release: 1
Summary: What there is besides
License: none
Provides: /bin/sh dbus kmod systemd libnvme.so.1()(64bit) rtld(GNU_HASH)
%global debug_package %{nil}
%global __os_install_post %{nil}
%global _build_id_links none
%description
%package -n nvme-stas
Version: 2.4.1
Summary: The Python implementation
BuildArch: noarch
%description -n nvme-stas
%install
cp -a %{tree}/. %{buildroot}/
mkdir -p %{buildroot}/etc/stas %{buildroot}/usr/sbin
printf '[Global]\\n' >%{buildroot}/etc/stas/stafd.conf
printf '[Global]\\n' >%{buildroot}/etc/stas/stacd.conf
printf 'original\\n' >%{buildroot}/usr/sbin/stafd
%preun -n nvme-stas
[ "$1" -gt 0 ] || systemctl --no-reload disable --now stafd.service stacd.service
%postun -n nvme-stas
[ "$1" -eq 0 ] || systemctl try-restart stafd.service stacd.service
%files
/bin
/lib*
/run
/usr/bin
/usr/lib*
/var
%files -n nvme-stas
%config(noreplace) /etc/stas/stafd.conf
%config(noreplace) /etc/stas/stacd.conf
/usr/sbin/stafd
`;

const NOTING = ["systemctl", "busctl", "modprobe"];
/** What the packages' scripts run besides, taken from here. */
const TOOLS = ["sh", "mkdir", "rm"];

/**
 * What rpm says of every run in such a folder, whatever the packages: Debian's warns of the use that it is made for; from 4.20
 * on it says that it cannot keep mounts of the packages' scripts to them here; and run by `nice` it cannot be less nice.
 */
const WARNINGS = [
  /^rpm: (?:RPM should not be used|However assuming).*\n/gm,
  /^warning: .*private mounts in chroot not implemented.*\n/gm,
  // Of an ordinary user whose commands run under nice.
  /^warning: Unable to reset nice value: .*\n/gm,
  /^warning: Unable to reset nice value: .*\n/gm,
];

export function withoutWarnings(said: string): string {
  return WARNINGS.reduce((rest, warning) => rest.replace(warning, ""), said);
}

export class RpmSystem extends SmallSystem {
  /** The Python implementation's package. */
  readonly original: string;

  private constructor(root: string, original: string) {
    super(root);
    this.original = original;
  }

  /** Makes one in `dir`, which has what `program` needs to run. */
  static async make(dir: string, program: string): Promise<RpmSystem> {
    const packages = `${dir}/others`;
    await layOut(`${dir}/tree`, program, TOOLS, NOTING);
    await Deno.writeTextFile(`${dir}/others.spec`, OTHERS);
    const defines = [
      `tree ${dir}/tree`,
      `_topdir ${dir}/rpmbuild`,
      `_rpmdir ${packages}`,
      "_rpmfilename %%{NAME}.rpm",
    ];
    const words = defines.flatMap((define) => ["--define", define]);
    await capture(["rpmbuild", "-bb", "--quiet", ...words, `${dir}/others.spec`]);
    for (const path of ["proc", "dev"]) await Deno.mkdir(`${dir}/system/${path}`, { recursive: true });
    const system = new RpmSystem(`${dir}/system`, `${packages}/nvme-stas.rpm`);
    await system.rpm("-i", `${packages}/base.rpm`);
    return system;
  }

  /** Runs rpm on the system; what it says must be nothing. */
  async rpm(...words: readonly string[]): Promise<void> {
    const { success, stdout, stderr } = await this.attempt(...words);
    assert.ok(success && stdout + stderr === "", `rpm ${words.join(" ")}: ${stdout}${stderr}`);
  }

  async attempt(...words: readonly string[]): Promise<Ended> {
    // The host's own settings say where Debian's rpm keeps the database of whoever runs it.
    const rpm = ["rpm", "--root", this.root, "--define", "_dbpath /var/lib/rpm", ...words];
    const ended = await within(this.root, rpm);
    return { ...ended, stderr: withoutWarnings(ended.stderr) };
  }
}
