/** The Ansible role, run against this machine with folders of its own in place of /etc. */
import assert from "node:assert/strict";
import { builtProgram } from "../../../scripts/install/built.ts";
import { ANSIBLE_LINT_NEEDS, ANSIBLE_NEEDS } from "../../../scripts/package/needs.ts";
import { capture, collect, type Ended } from "../../../scripts/run.ts";
import { packages, skipAllWithout } from "../../lacking.ts";

skipAllWithout(packages([...ANSIBLE_NEEDS, ...ANSIBLE_LINT_NEEDS]));

const ROLE = "packaging/ansible";
const KEY = "DHHC-1:00:ia6zGodOr4SEG0Zzaw398rpY0wqipUWj4jWjUh4HWUz6aQ2n:";
const nqn = (name: string): string => `nqn.2014-08.org.example:${name}\n`;

interface Site {
  readonly dir: string;
  play(vars: Readonly<Record<string, unknown>>, ...more: readonly string[]): Promise<Ended>;
}

/** Two hosts, both this machine, each with its folders. */
async function onSite(
  nqns: readonly [string, string],
  test: (site: Site) => Promise<void>,
  sameId = false,
): Promise<void> {
  const dir = await Deno.makeTempDir();
  const { binDir } = await builtProgram();
  const user = (await capture(["id", "-un"])).trim();
  try {
    const hosts = ["one", "two"].map((name) =>
      `${name} ansible_connection=local nvme_stas_conf_dir=${dir}/${name}/stas nvme_stas_nvme_dir=${dir}/${name}/nvme`
    );
    await Deno.writeTextFile(`${dir}/inventory`, `[nvme_hosts]\n${hosts.join("\n")}\n`);
    for (const [n, name] of ["one", "two"].entries()) {
      await Deno.mkdir(`${dir}/${name}/stas`, { recursive: true });
      await Deno.mkdir(`${dir}/${name}/nvme`);
      await Deno.writeTextFile(`${dir}/${name}/nvme/hostnqn`, nqns[n] ?? "");
      const id = sameId ? 0 : n;
      await Deno.writeTextFile(`${dir}/${name}/nvme/hostid`, `46ba5037-7ce5-41fa-9452-48477bf0008${id}\n`);
    }
    await test({
      dir,
      play: async (vars, ...more) => {
        // As a vault would hold it: not on the command line.
        const all = { nvme_stas_install: false, nvme_stas_service: false, nvme_stas_owner: user, ...vars };
        await Deno.writeTextFile(`${dir}/vars.json`, JSON.stringify({ ...all, ansible_become: false }));
        return collect([
          "ansible-playbook",
          "-i",
          `${dir}/inventory`,
          "-e",
          `@${dir}/vars.json`,
          ...more,
          "site.yml",
        ], {
          cwd: ROLE,
          env: { PATH: `${Deno.cwd()}/${binDir}:${Deno.env.get("PATH") ?? ""}`, ANSIBLE_NOCOLOR: "1" },
        });
      },
    });
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

const mode = async (path: string): Promise<string> =>
  (((await Deno.stat(path)).mode ?? 0) & 0o777).toString(8);

const VARS = {
  nvme_stas_host_key: KEY,
  nvme_stas_symname: "Rack 7",
  nvme_stas_stafd_controllers: ["transport=tcp;traddr=192.0.2.17"],
  nvme_stas_stacd_options: {
    "I/O controller connection management": { "disconnect-scope": "no-disconnect" },
  },
  nvme_stas_stacd_controllers: [
    `transport=tcp;traddr=192.0.2.18;trsvcid=4420;nqn=nqn.2014-08.com.example:a;dhchap-secret=${KEY}`,
  ],
};

Deno.test("role: --check shows the plan and changes nothing; a run writes the files once, with keys for root only", () =>
  onSite([nqn("one"), nqn("two")], async ({ dir, play }) => {
    const checked = await play(VARS, "--check", "--diff");
    assert.equal(checked.code, 0, checked.stdout + checked.stderr);
    assert.match(checked.stdout, /TASK \[nvme_stas : Plan \(stacd\)\]/);
    assert.deepEqual(await Array.fromAsync(Deno.readDir(`${dir}/one/stas`)), []);

    const ran = await play(VARS);
    assert.equal(ran.code, 0, ran.stdout + ran.stderr);
    for (const { stdout, stderr } of [checked, ran]) {
      assert.ok(!`${stdout}${stderr}`.includes(KEY), "a key is shown");
    }
    const stas = `${dir}/two/stas`;
    assert.match(await Deno.readTextFile(`${stas}/stafd.conf`), /^zeroconf = disabled$/m);
    assert.match(
      await Deno.readTextFile(`${stas}/stafd.conf`),
      /^controller = transport=tcp;traddr=192\.0\.2\.17$/m,
    );
    const stacd = await Deno.readTextFile(`${stas}/stacd.conf`);
    assert.match(stacd, /^\[I\/O controller connection management\]\ndisconnect-scope = no-disconnect$/m);
    assert.ok(stacd.includes(`dhchap-secret=${KEY}\n`));
    assert.match(await Deno.readTextFile(`${stas}/sys.conf`), /^symname = Rack 7$/m);
    assert.equal(await Deno.readTextFile(`${dir}/two/nvme/hostkey`), `${KEY}\n`);
    assert.deepEqual(
      await Promise.all([`${stas}/stafd.conf`, `${stas}/stacd.conf`, `${dir}/two/nvme/hostkey`].map(mode)),
      ["644", "600", "600"],
    );
    const again = await play(VARS);
    assert.match(again.stdout, /^one +: ok=\d+ +changed=0 /m);
  }));

Deno.test("role: two hosts with one host NQN are an error that names both, and nothing is written", () =>
  onSite([nqn("same"), nqn("same")], async ({ dir, play }) => {
    const { code, stdout } = await play(VARS);
    assert.notEqual(code, 0);
    assert.match(
      stdout.replaceAll(/\s+/g, " "),
      /one has the host NQN of two, nqn\.2014-08\.org\.example:same: make a new one/,
    );
    assert.deepEqual(await Array.fromAsync(Deno.readDir(`${dir}/one/stas`)), []);
  }));

Deno.test("role: two hosts with one host ID are an error that names both, and nothing is written", () =>
  onSite([nqn("one"), nqn("two")], async ({ dir, play }) => {
    const { code, stdout } = await play(VARS);
    assert.notEqual(code, 0);
    assert.match(
      stdout.replaceAll(/\s+/g, " "),
      /two has the host ID of one, 46ba5037-7ce5-41fa-9452-48477bf00080: make a new one .*stasadm hostid -f /,
    );
    assert.deepEqual(await Array.fromAsync(Deno.readDir(`${dir}/one/stas`)), []);
  }, true));

Deno.test("role: a line that check refuses reaches no host", () =>
  onSite([nqn("one"), nqn("two")], async ({ dir, play }) => {
    await Deno.writeTextFile(`${dir}/one/stas/stacd.conf`, "# mine\n");
    const { code, stdout } = await play({
      ...VARS,
      nvme_stas_stacd_controllers: ["transport=tcp;tls=perhaps"],
    });
    assert.notEqual(code, 0);
    assert.match(stdout, /stacd\.conf:\d+:\d+: /);
    assert.equal(await Deno.readTextFile(`${dir}/one/stas/stacd.conf`), "# mine\n");
  }));

Deno.test("role: ansible-lint finds nothing", async () => {
  const linted = await collect(["ansible-lint", "--offline", "-q", "--nocolor", "site.yml"], { cwd: ROLE });
  assert.ok(linted.success, linted.stdout + linted.stderr);
});
