/** AppArmor's profile and SELinux's policy module: understood by their own tools, and of one mind with the units. */
import assert from "node:assert/strict";
import { APPARMOR_NEEDS, SELINUX_NEEDS } from "../../../scripts/package/needs.ts";
import { collect } from "../../../scripts/run.ts";
import { exists } from "../../../scripts/exists.ts";
import { lacks, packages } from "../../lacking.ts";

const PROFILE = "packaging/apparmor/nvme-stas-daemon";
const UNITS = ["systemd/stafd.service", "systemd/stacd.service"];
/** Debian's; NAME is the policy that is installed there. */
const DEVEL = "/usr/share/selinux/devel/Makefile";

const parsed = (path: string) => collect(["apparmor_parser", "-Q", "-K", path]);

Deno.test({
  name: "AppArmor: its parser understands the profile, and refuses one that is malformed",
  ignore: lacks(packages(APPARMOR_NEEDS)),
  fn: async () => {
    const good = await parsed(PROFILE);
    assert.ok(good.success, good.stderr);
    const broken = await Deno.makeTempFile();
    try {
      const text = await Deno.readTextFile(PROFILE);
      await Deno.writeTextFile(broken, text.replace("capability sys_admin,", "capability sys_adminn,"));
      assert.ok(!(await parsed(broken)).success);
    } finally {
      await Deno.remove(broken);
    }
  },
});

Deno.test("AppArmor: the profile allows the capabilities that the units leave, and no more", async () => {
  const profile = await Deno.readTextFile(PROFILE);
  const allowed = [...profile.matchAll(/^ {2}capability (\w+),$/gm)].map(([, one = ""]) => one).toSorted();
  const bounds = new Set<string>();
  for (const path of UNITS) {
    const unit = await Deno.readTextFile(path);
    for (const word of /^CapabilityBoundingSet=(.*)$/m.exec(unit)?.[1]?.split(" ") ?? []) {
      bounds.add(word.replace(/^CAP_/, "").toLowerCase());
    }
  }
  assert.deepEqual(allowed, [...bounds].toSorted());
});

Deno.test({
  name:
    "SELinux: the policy module compiles against a distribution's policy, and labels the program of both packages",
  ignore: lacks(packages(SELINUX_NEEDS)),
  fn: async () => {
    assert.ok(await exists(DEVEL), `${DEVEL} is missing: install selinux-policy-dev`);
    const dir = await Deno.makeTempDir();
    try {
      for (const part of ["fc", "te"]) {
        await Deno.copyFile(`packaging/selinux/nvme_stas_deno.${part}`, `${dir}/nvme_stas_deno.${part}`);
      }
      const made = await collect(["make", "-f", DEVEL, "NAME=default", "nvme_stas_deno.pp"], { cwd: dir });
      assert.ok(made.success, made.stdout + made.stderr);
      assert.ok((await Deno.stat(`${dir}/nvme_stas_deno.pp`)).size > 1_000);
    } finally {
      await Deno.remove(dir, { recursive: true });
    }
    const contexts = await Deno.readTextFile("packaging/selinux/nvme_stas_deno.fc");
    const labelled = [...contexts.matchAll(/^(\/\S+)\t.*:nvme_stas_exec_t,/gm)].map(([, path]) => path);
    const list = await Deno.readTextFile("packaging/files.txt");
    const programs = [...list.matchAll(/^(?:deb|rpm): 0755 (\/\S+\/nvme-stas)$/gm)].map(([, path]) => path);
    assert.deepEqual(labelled.toSorted(), programs.toSorted());
  },
});
