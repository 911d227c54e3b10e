/**
 * The role of Ansible, run on this machine, with the .deb on a Debian that never had nvme-stas: --check shows and changes
 * nothing, a run installs and configures, a second one changes nothing, a change shows its plan and is reloaded, and two hosts
 * with one host NQN are refused.
 */
import assert from "node:assert/strict";
import { capture, collect } from "../../../scripts/run.ts";
import { nqnOf, ONE } from "../stacd.ts";
import { type Controller, nothingChanges, untilConnected, untilDiscovering } from "../fabric.ts";
import type { Guest } from "../guest.ts";
import type { Scenario } from "../scenario.ts";

const ROLE = "packaging/ansible";
const KEY = "DHHC-1:00:ia6zGodOr4SEG0Zzaw398rpY0wqipUWj4jWjUh4HWUz6aQ2n:";
const VAULT_PASSWORD = "of the test";
/** The second host of the inventory is the same machine, with folders of its own. */
const SECOND = "/etc/second";
const PLAN = /TASK \[nvme_stas : Plan \(stacd\)\][^]*?\n\n/;
/** All that the role writes, with what it is and when it was written. */
const WRITTEN =
  `find /etc/stas /etc/nvme ${SECOND} -type f -exec stat -c '%n %a %U %s %Y %i' {} + 2>/dev/null | sort; true`;
const PROCESSES = "systemctl show -P MainPID -P NRestarts -P ActiveState stafd stacd";

interface Played {
  readonly code: number;
  /** With no line broken. */
  readonly text: string;
}

type Play = (vars: Readonly<Record<string, unknown>>, ...more: readonly string[]) => Promise<Played>;

/** Runs the role with these variables and the keys of a vault; no key is in what it prints. */
async function withRole(guest: Guest, test: (play: Play) => Promise<void>): Promise<void> {
  const dir = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${dir}/password`, VAULT_PASSWORD);
    await Deno.writeTextFile(
      `${dir}/keys.json`,
      JSON.stringify({ vault_host_key: KEY, vault_line_key: KEY }),
    );
    await capture([
      "ansible-vault",
      "encrypt",
      "--vault-password-file",
      `${dir}/password`,
      `${dir}/keys.json`,
    ]);
    assert.match(await Deno.readTextFile(`${dir}/keys.json`), /^\$ANSIBLE_VAULT;/);
    const apart =
      `nvme_stas_conf_dir=${SECOND}/stas nvme_stas_nvme_dir=${SECOND}/nvme nvme_stas_install=false nvme_stas_service=false ` +
      `nvme_stas_host_key="{{ vault_host_key }}"`;
    await Deno.writeTextFile(
      `${dir}/inventory`,
      `[nvme_hosts]\nfirst\nsecond ${apart}\n[nvme_hosts:vars]\nansible_host=127.0.0.1\nansible_python_interpreter=/usr/bin/python3\n`,
    );
    const ssh = await guest.sshOptions();
    await test(async (vars, ...more) => {
      await Deno.writeTextFile(`${dir}/vars.json`, JSON.stringify(vars));
      const { code, stdout, stderr } = await collect([
        "ansible-playbook",
        "-i",
        `${dir}/inventory`,
        "--vault-password-file",
        `${dir}/password`,
        "-e",
        `@${dir}/keys.json`,
        "-e",
        `@${dir}/vars.json`,
        ...more,
        "site.yml",
      ], { cwd: ROLE, env: { ANSIBLE_SSH_ARGS: ssh, ANSIBLE_PIPELINING: "1", ANSIBLE_NOCOLOR: "1" } });
      assert.ok(!`${stdout}${stderr}`.includes(KEY), "a key is shown");
      return { code, text: stdout + stderr };
    });
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

/** The line of the recap about this host. */
function recap({ code, text }: Played, host: string): string {
  assert.equal(code, 0, text);
  return new RegExp(`^${host} +: .*$`, "m").exec(text)?.[0] ?? "";
}

const vars = (excludes: readonly string[]): Readonly<Record<string, unknown>> => ({
  nvme_stas_package: "/payload/new.deb",
  nvme_stas_symname: "Rack 7",
  nvme_stas_stafd_controllers: [`transport=tcp;traddr=${ONE};trsvcid=8009`],
  // Nothing answers there: only the key in the file counts.
  nvme_stas_stacd_controllers: [
    `transport=tcp;traddr=192.0.2.14;trsvcid=8009;nqn=${nqnOf("keyed")};dhchap-secret={{ vault_line_key }}`,
  ],
  nvme_stas_stacd_excludes: excludes,
});

const BEFORE = vars([]);
const AFTER = vars([`nqn=${nqnOf("sub-002")}`]);
const ONLY_FIRST = ["--limit", "first"];

async function installs(guest: Guest, play: Play): Promise<Controller[]> {
  const checked = await play(BEFORE, ...ONLY_FIRST, "--check", "--diff");
  assert.match(recap(checked, "first"), / failed=0 /);
  assert.match(checked.text, /nvme-stas is not installed on first yet/);
  await guest.run(
    "! dpkg-query -W nvme-stas 2>/dev/null && test ! -e /etc/stas && test ! -e /etc/nvme/hostkey",
  );

  const ran = await play(BEFORE, ...ONLY_FIRST);
  assert.match(recap(ran, "first"), / failed=0 /);
  assert.equal(
    await guest.run(
      "cd /etc/stas && stat -c '%n %a %U' stafd.conf stacd.conf sys.conf",
    ),
    "stafd.conf 644 root\nstacd.conf 600 root\nsys.conf 644 root\n",
  );
  await guest.run(
    `grep -Fq 'dhchap-secret=${KEY}' /etc/stas/stacd.conf`,
  );
  await guest.run("grep -Fxq 'symname = Rack 7' /etc/stas/sys.conf && stafctl check && stacctl check");
  await guest.run("systemctl is-enabled stafd stacd && systemctl is-active stafd stacd");
  await untilDiscovering(guest, [`${ONE}:8009`]);
  return await untilConnected(guest, ["sub-001", "sub-002"]);
}

async function changes(guest: Guest, play: Play, before: readonly Controller[]): Promise<void> {
  const written = await guest.run(WRITTEN);
  const processes = await guest.run(PROCESSES);
  const again = await play(BEFORE, ...ONLY_FIRST);
  assert.match(recap(again, "first"), / changed=0 /);
  assert.equal(await guest.run(WRITTEN), written);

  const checked = await play(AFTER, ...ONLY_FIRST, "--check");
  assert.match(recap(checked, "first"), / failed=0 /);
  const plan = PLAN.exec(checked.text)?.[0] ?? "";
  assert.match(plan, new RegExp(`disconnect .*${nqnOf("sub-002")}`));
  assert.equal(await guest.run(WRITTEN), written, "--check has written");
  await nothingChanges(guest, before, 5);

  const ran = await play(AFTER, ...ONLY_FIRST);
  assert.match(recap(ran, "first"), / failed=0 /);
  assert.match(ran.text, /RUNNING HANDLER \[nvme_stas : Reload stacd\]/);
  assert.doesNotMatch(ran.text, /RUNNING HANDLER \[nvme_stas : Reload stafd\]/);
  const kept = before.filter(({ nqn }) => nqn !== nqnOf("sub-002"));
  assert.deepEqual(await untilConnected(guest, ["sub-001"]), kept, "the others stay");
  assert.equal(await guest.run(PROCESSES), processes, "a daemon was started again");
}

async function twoHosts(guest: Guest, play: Play): Promise<void> {
  await guest.run(
    `mkdir -p ${SECOND}/stas ${SECOND}/nvme && cp /etc/nvme/hostnqn /etc/nvme/hostid ${SECOND}/nvme/`,
  );
  const written = await guest.run(WRITTEN);
  const refused = await play(BEFORE);
  assert.notEqual(refused.code, 0, refused.text);
  assert.match(
    refused.text.replaceAll(/\s+/g, " "),
    /first has the host NQN of second, nqn\.2014-08\.org\.nvmexpress:uuid:\S+: make a new one .*stasadm hostnqn -f /,
  );
  assert.equal(await guest.run(WRITTEN), written, "something was written");

  // The remedy makes it from the machine-id, which these two share in truth.
  const id = crypto.randomUUID();
  await guest.run(
    `cd ${SECOND}/nvme && echo nqn.2014-08.org.nvmexpress:uuid:${id} >hostnqn && echo ${id} >hostid`,
  );
  const accepted = await play(AFTER);
  assert.match(recap(accepted, "first"), / changed=0 /);
  assert.match(recap(accepted, "second"), / failed=0 /);
  await guest.run(
    `cd ${SECOND} && grep -Fxq '${KEY}' nvme/hostkey && grep -Fq '${ONE}' stas/stafd.conf && grep -Fq 'hostkey' stas/sys.conf`,
  );
  assert.equal(
    await guest.run(`cd ${SECOND} && stat -c '%n %a' nvme/hostkey stas/stacd.conf`),
    "nvme/hostkey 600\nstas/stacd.conf 600\n",
  );
}

async function run(guest: Guest): Promise<void> {
  await guest.run("rm -rf /etc/nvme/hostnqn /etc/nvme/hostid && nvmet-lab up 2");
  await withRole(guest, async (play) => {
    const before = await installs(guest, play);
    await changes(guest, play, before);
    await twoHosts(guest, play);
    await untilConnected(guest, ["sub-001"]);
  });
}

export const scenario: Scenario = { name: "the role of Ansible on two hosts", ofOurs: true, run };
