/** `doctor`: other programs of the next generation, commands of the nvme-cli that is installed, and containers. */
import assert from "node:assert/strict";
import { INSERT_TLS_KEY } from "../../../src/lib/nvme/nvme_cli.ts";
import type { Ran } from "../../../src/ctl/world.ts";
import { v1Health } from "./sample_daemon.ts";
import { answers, type Case, diagnose } from "./patient.ts";

const RULE = "/run/udev/rules.d/70-nvmf-autoconnect.rules";
/** As nvme-cli 3 installs it. */
const NEXT = {
  "/usr/lib/udev/rules.d/70-nvmf-registry.rules": "",
  "/usr/lib/systemd/system/nvmf-connect@.service":
    '[Service]\nExecStart=/bin/sh -c "/usr/sbin/nvme connect-all --owner=autoconnect --quiet `echo`"\n',
};

/** Verdict and text of all that is not good. */
async function said(one: Case): Promise<readonly string[]> {
  const { found } = await diagnose(one);
  return found.map(({ verdict, text, remedy }) => `${verdict}: ${text} -> ${remedy}`);
}

Deno.test("doctor: where the registry settles ownership nvme-cli's udev rule is no problem", async () => {
  assert.deepEqual(await said({ files: { ...NEXT, [RULE]: undefined } }), []);
  // A registry without the check in connect-all (nvme-cli 3 before its release) settles nothing.
  const early = {
    ...NEXT,
    "/usr/lib/systemd/system/nvmf-connect@.service": "[Service]\nExecStart=nvme connect-all\n",
  };
  assert.match(
    (await said({ files: { ...early, [RULE]: undefined } })).join(),
    /^warning: .*udev rule.* is active/,
  );
});

Deno.test("doctor: an override that a killed stafd left is named while stafd does not run", async () => {
  const left = { [RULE]: "# Written by stafd, and removed when it stops: it does...\n" };
  const found = await said({ files: left, daemon: false });
  assert.ok(
    found.some((one) => /^warning: .*left behind by a stafd that was killed.* -> .*rm \/run\/udev/.test(one)),
  );
  assert.deepEqual(await said({ files: left }), []);
  const others = await said({ files: { [RULE]: "# mine\n" }, daemon: false });
  assert.ok(!others.some((one) => one.includes("left behind")));
});

const FABRICS = `[Discovery Controller]
controller = transport=tcp;traddr=192.0.2.1
[Subsystem]
nqn = nqn.2014-08.com.example:a
controller = transport=tcp;traddr=192.0.2.2
controller = transport=tcp;traddr=192.0.2.3
`;

Deno.test("doctor: nvme-discoverd, nvme-fabrics.conf, nvme-stas.conf, exclusions.conf: who connects what", async () => {
  assert.deepEqual(await said({ files: { "/etc/nvme/nvme-fabrics.conf": FABRICS } }), [
    'notice: /etc/nvme/nvme-fabrics.conf names 192.0.2.1, 192.0.2.2, 192.0.2.3: "nvme connect-all" connects it -> null',
  ]);
  const unit = "/etc/systemd/system/multi-user.target.wants/nvme-discoverd.service";
  const dropIn = FABRICS.replace("192.0.2.1", "192.0.2.9");
  const enabled = await said({
    files: {
      "/etc/nvme/nvme-fabrics.conf": FABRICS,
      "/etc/nvme/nvme-fabrics.conf.d/b.conf": dropIn,
      [unit]: "",
    },
  });
  assert.match(
    enabled[0] ?? "",
    /^warning: nvme-discoverd\.service connects what every discovery controller .*-> systemctl disable --now/,
  );
  assert.match(enabled[1] ?? "", /192\.0\.2\.3 and 1 more: nvme-discoverd connects it/);
  assert.match(
    (await said({ files: { "/etc/nvme/nvme-stas.conf": FABRICS } })).join(),
    /^notice: .*only with --conn-conf-file -> stasadm import/,
  );
  assert.deepEqual(
    await said({
      files: {
        "/etc/nvme/exclusions.conf": "[Exclusions]\nexclusion = traddr=192.0.2.7\n",
        "/etc/nvme/exclusions.conf.d/b.conf": "[Exclusions]\nexclusion = colour=red\n",
      },
    }),
    [
      'warning: /etc/nvme/exclusions.conf.d/b.conf:2:1: "colour=red" has none of the keys transport, traddr, trsvcid, nqn, ' +
      "host-traddr, host-iface, hostnqn, hostid: the line excludes nothing -> correct the line: exclusion = key=value;...",
      "notice: 1 exclusion for all programs on this host (/etc/nvme/exclusions.conf:2): what they match is not connected " +
      "here either -> null",
    ],
  );
});

Deno.test("doctor: a remedy names the command that the installed nvme-cli has", async () => {
  const problem = { id: "x", text: "no key", remedy: `put it into the keyring: ${INSERT_TLS_KEY}` };
  const remedy = async (printed: string | undefined): Promise<string | null | undefined> => {
    const run = (command: readonly string[]): Ran | undefined =>
      command[0] === "nvme" && printed !== undefined
        ? { success: true, out: printed, err: "" }
        : answers(command);
    const { found } = await diagnose({
      run,
      handlers: { health: () => JSON.stringify(v1Health({ status: "degraded", problems: [problem] })) },
    });
    return found[0]?.remedy;
  };
  assert.equal(
    await remedy("nvme version 2.13 (git 2.13)\nlibnvme version 1.13\n"),
    "put it into the keyring: nvme check-tls-key --insert",
  );
  assert.equal(await remedy("nvme version 3.1\n"), "put it into the keyring: nvme keys insert-tls");
  assert.equal(await remedy(undefined), problem.remedy);
});

/** What podman mounts for the Quadlet of ours. */
const MOUNTS = [
  "/",
  "/dev",
  "/sys",
  "/etc/nvme",
  "/etc/stas",
  "/run/stafd",
  "/run/stacd",
  "/run/udev",
  "/run/dbus",
];
const mountinfo = (points: readonly string[], readOnly: readonly string[] = []): string =>
  points.map((point, n) =>
    `${n} 1 0:1 / ${point} ${readOnly.includes(point) ? "ro" : "rw"},nosuid - ext4 x rw\n`
  ).join("");

const NET = { "/proc/net/dev": "Inter-|\n face |\n  eth0: 1 2\n  eth1: 1 2\n" };
const CONTAINER = { "/run/.containerenv": "", ...NET, "/proc/self/mountinfo": mountinfo(MOUNTS) };

Deno.test("doctor in a container: with all of the host that it must have nothing is wrong", async () => {
  assert.deepEqual(await said({ files: CONTAINER }), []);
  assert.deepEqual(
    await said({ files: { ...CONTAINER, "/proc/self/mountinfo": "", "/run/.containerenv": undefined } }),
    [],
  );
});

const LACKS: readonly (readonly [lacks: Case, says: RegExp])[] = [
  [
    { files: { "/proc/self/mountinfo": mountinfo(MOUNTS.filter((one) => one !== "/etc/nvme")) } },
    /^error: \/etc\/nvme is not the host's: .* -> .*--volume \/etc\/nvme/,
  ],
  [{ files: { "/proc/self/mountinfo": mountinfo(MOUNTS, ["/sys"]) } }, /^error: \/sys cannot be written/],
  [
    { files: { "/proc/net/dev": "h\nh\n  lo: 1\n  eth0: 1\n" } },
    /^error: the network is the container's own.* -> --network host/,
  ],
  [
    { files: { "/proc/self/mountinfo": mountinfo(MOUNTS.filter((one) => one !== "/run/stafd")) } },
    /^warning: \/run\/stafd is lost with the container/,
  ],
  [
    { files: { "/proc/self/mountinfo": mountinfo(MOUNTS.filter((one) => one !== "/run/udev")) } },
    /^notice: the host's \/run\/udev is not mounted/,
  ],
  [{ avahi: false }, /^warning: there is no Avahi on this container's bus: .* -> .*zeroconf=disabled/],
];

for (const [one, says] of LACKS) {
  Deno.test(`doctor in a container says what is missing: ${says.source}`, async () => {
    const found = await said({ ...one, files: { ...CONTAINER, ...one.files } });
    assert.equal(found.length, 1, found.join("\n"));
    assert.match(found[0] ?? "", says);
  });
}
