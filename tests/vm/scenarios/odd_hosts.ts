/** Hosts that lack something: each scenario takes it away, sees the main job done, and gives it back. */
import assert from "node:assert/strict";
import { configureStacd, configureStafd, nqnOf, ONE, reloadStacd, tcpLine, TWO } from "../stacd.ts";
import { controllers, nothingChanges, SOON, start, untilConnected, untilDiscovering } from "../fabric.ts";
import { configure, confOf } from "../stafd.ts";
import type { Guest } from "../guest.ts";
import { AVAHI, CGROUP_V1, IPV6, LIBNVME_3, type Need } from "../needs.ts";
import type { Scenario } from "../scenario.ts";
import { untilBlockDevice, writeAndReadBack } from "../storage.ts";

/** Runs `job` and puts the host right again, whatever came of it. */
async function lacking(guest: Guest, take: string, give: string, job: () => Promise<void>): Promise<void> {
  await guest.run(take);
  try {
    await job();
  } finally {
    await guest.run(`systemctl stop stacd stafd; ${give}`);
  }
}

async function connectsOne(guest: Guest): Promise<void> {
  await start(guest, "stafd", "stacd");
  await untilDiscovering(guest, [`${ONE}:8009`]);
  await untilConnected(guest, ["sub-001"]);
  await writeAndReadBack(guest, "sub-001", await untilBlockDevice(guest, "sub-001"));
}

/** stafd starts without Avahi, says so in words of its own, and uses it once it runs. */
async function avahi(guest: Guest): Promise<void> {
  await guest.run("nvmet-lab up 1");
  const units = "avahi-daemon.service avahi-daemon.socket";
  await lacking(
    guest,
    `systemctl mask --runtime --now ${units} 2>/dev/null`,
    `systemctl unmask --runtime ${units} 2>/dev/null; true`,
    async () => {
      await configure(guest, "");
      await start(guest, "stafd", "stacd");
      const doctor = await guest.attempt("COLUMNS=400 stafctl doctor");
      assert.match(doctor.stdout, /Avahi/);
      await guest.run(
        `systemctl unmask --runtime ${units} 2>/dev/null; systemctl start avahi-daemon && nvmet-lab mdns-up 1`,
      );
      await untilDiscovering(guest, [`${ONE}:8009`]);
      await untilConnected(guest, ["sub-001"]);
    },
  );
}

async function readOnlyRoot(guest: Guest): Promise<void> {
  await guest.run("nvmet-lab up 1");
  await configureStafd(guest, [ONE]);
  await configureStacd(guest, {});
  await lacking(guest, "mount -o remount,ro /", "mount -o remount,rw /", async () => {
    assert.notEqual(
      (await guest.attempt("touch /etc/stas/here")).code,
      0,
      "the root file system is read-only",
    );
    await connectsOne(guest);
    await guest.run("systemctl restart stafd stacd");
    await untilConnected(guest, ["sub-001"]);
  });
}

/** Those that use others first; earlier scenarios may have loaded any of them. */
const HOST_MODULES = ["nvme-fcloop", "nvme-fc", "nvme-rdma", "nvme-loop", "nvme-tcp", "nvme-fabrics"];
const TARGET_MODULES = ["nvmet-fc", "nvmet-rdma", "nvmet-tcp", "nvmet", "nvme-core"];
const unload = (modules: readonly string[]): string =>
  `for m in ${modules.join(" ")}; do modprobe -r $m 2>/dev/null; done`;

/** The module of the transport is not loaded when the daemons start. */
async function noModule(guest: Guest): Promise<void> {
  await guest.run("nvmet-lab up 1");
  await configureStafd(guest, [ONE]);
  await configureStacd(guest, {});
  await guest.run(`${unload(HOST_MODULES)}; ! test -e /dev/nvme-fabrics`);
  await connectsOne(guest);
}

const AWAY = "/run/libraries-away";
/** Where the distribution has its libraries. */
const LIBRARIES = "$(dirname $(ldconfig -p | sed -n 's/.*libc\\.so\\.6 .*=> //p' | head -n 1))";

/** Without the libraries of these names, and with a file of this one that is another library. */
async function withoutLibraries(
  guest: Guest,
  names: readonly string[],
  job: () => Promise<void>,
  fake?: string,
): Promise<void> {
  await guest.run("nvmet-lab up 1");
  await configureStafd(guest, [ONE]);
  await configureStacd(guest, {});
  const taken = names.map((name) => `${LIBRARIES}/${name}`).join(" ");
  await lacking(
    guest,
    `mkdir -p ${AWAY} && { mv ${taken} ${AWAY}/ 2>/dev/null; ldconfig; }` +
      (fake === undefined ? "" : ` && cp ${LIBRARIES}/libm.so.6 ${LIBRARIES}/${fake}`),
    `${
      fake === undefined ? "" : `rm ${LIBRARIES}/${fake}; `
    }mv ${AWAY}/* ${LIBRARIES}/ 2>/dev/null; ldconfig`,
    job,
  );
}

/** `--version` and doctor say why no libnvme is loaded; NVMe commands go through the kernel's ioctl. */
async function sayWhyNone(guest: Guest, ...reasons: readonly string[]): Promise<void> {
  const why = reasons.join("; ").replaceAll(".", "\\.");
  const version = await guest.run("stafd --version");
  assert.match(version, new RegExp(`^libnvme none: ${why}\\. .* install libnvme`, "m"));
  await connectsOne(guest);
  const doctor = await guest.attempt("COLUMNS=400 stafctl doctor");
  assert.match(doctor.stdout, new RegExp(`libnvme cannot be loaded \\(${why}\\): `));
}

const NO_LIBNVME = "libnvme.so.1 is not installed";

async function noLibnvme(guest: Guest): Promise<void> {
  await withoutLibraries(
    guest,
    ["libnvme*.so*"],
    () => sayWhyNone(guest, NO_LIBNVME, "libnvme3.so.1 is not installed"),
  );
}

/** Something by the name of libnvme 3 that has none of its functions, as pre-releases lack some. */
async function falseLibnvme(guest: Guest): Promise<void> {
  await withoutLibraries(
    guest,
    ["libnvme*.so*"],
    () => sayWhyNone(guest, NO_LIBNVME, "libnvme3.so.1 has no function \\w+: its version is not supported"),
    "libnvme3.so.1",
  );
}

/** The next libnvme alone; then without a library that it needs itself. */
async function libnvme3(guest: Guest): Promise<void> {
  await withoutLibraries(guest, ["libnvme.so*"], async () => {
    assert.match(
      await guest.run("stafd --version && stacd --version"),
      /^libnvme 3\.\d+[^]*^libnvme 3\.\d+/m,
    );
    await connectsOne(guest);
    const doctor = await guest.attempt("COLUMNS=400 stafctl doctor");
    assert.doesNotMatch(doctor.stdout, /libnvme cannot/);
    const loaded = await guest.run("cat /proc/$(systemctl show -P MainPID stafd)/maps");
    assert.match(loaded, /libnvme3\.so/);
  });
  await guest.run("lab-reset");
  await withoutLibraries(guest, ["libnvme.so*", "liburing.so.2*"], () =>
    sayWhyNone(
      guest,
      NO_LIBNVME,
      "libnvme3.so.1 cannot be loaded: it needs liburing.so.2, which is not installed",
    ));
}

/** With mDNS, a log page and a line; a line with an IPv6 address gets a reason, and holds up nothing. */
async function noIpv6(guest: Guest): Promise<void> {
  await guest.run("! test -e /proc/sys/net/ipv6 && nvmet-lab up 2 && nvmet-lab mdns-up 1");
  const line = tcpLine("sub-001", "fd00:2::11");
  await configureStacd(guest, { controllers: [line] });
  await configure(guest, "");
  await connectsBoth(guest);
  const explained = await guest.attempt("COLUMNS=400 stacctl explain fd00:2::11");
  assert.match(explained.stdout, /IPv6/, explained.stdout);
  await guest.run("systemctl restart stafd stacd");
  await untilConnected(guest, ["sub-001", "sub-002"]);
}

async function connectsBoth(guest: Guest): Promise<void> {
  await start(guest, "stafd", "stacd");
  await untilDiscovering(guest, [`${ONE}:8009`]);
  await untilConnected(guest, ["sub-001", "sub-002"]);
}

async function cgroupV1(guest: Guest): Promise<void> {
  assert.equal((await guest.run("stat -f -c %T /sys/fs/cgroup")).trim(), "tmpfs", "it is cgroup v2");
  await guest.run("nvmet-lab up 2 && nvmet-lab mdns-up 1");
  await configure(guest, "");
  await configureStacd(guest, {});
  await connectsBoth(guest);
  const before = await controllers(guest);
  await guest.run("systemctl kill -s KILL stafd stacd");
  await guest.until("both run again", "systemctl is-active stafd stacd", () => true, SOON);
  await nothingChanges(guest, before, 10);
  await guest.run("nvmet-lab unlink sub-002 1");
  await untilConnected(guest, ["sub-001"]);
}

async function ipv6Only(guest: Guest): Promise<void> {
  await guest.run("nvmet-lab net && nvmet-lab port-add 1 fd00:2::11 && nvmet-lab add sub-001 1");
  await configureStafd(guest, ["fd00:2::11"]);
  await configureStacd(guest, {});
  await guest.run(
    "ip -4 address flush dev fab0; ip -4 address flush dev fab1; ip -4 route flush dev fab0; true",
  );
  await start(guest, "stafd", "stacd");
  await untilConnected(guest, ["sub-001"]);
  await writeAndReadBack(guest, "sub-001", await untilBlockDevice(guest, "sub-001"));
}

/** Without the kernel's multipath each path is a device of its own, and in use or not by itself (S12). */
async function noMultipath(guest: Guest): Promise<void> {
  const reload = (option: string): string =>
    `${unload([...HOST_MODULES, ...TARGET_MODULES])}; ! test -e /sys/module/nvme_core && ` +
    `modprobe nvme-core ${option} && modprobe -a nvme-tcp nvmet-tcp`;
  await lacking(
    guest,
    reload("multipath=N"),
    `nvme disconnect-all; nvmet-lab down; ${reload("")}`,
    async () => {
      await guest.run("nvmet-lab up 1 --dcs 2 && nvmet-lab link sub-001 2");
      await configure(guest, confOf([]));
      const lines = [tcpLine("sub-001", ONE), tcpLine("sub-001", TWO)];
      await configureStacd(guest, { controllers: lines });
      await start(guest, "stacd");
      const [first, second] = await untilConnected(guest, ["sub-001", "sub-001"]);
      assert.ok(first !== undefined && second !== undefined);
      const status = await guest.attempt("COLUMNS=400 stacctl status -o table");
      assert.match(status.stdout, /multipath/);
      const mounted = (await controllers(guest)).find(({ address }) => address.includes(TWO));
      assert.ok(mounted !== undefined);
      const disk = `/dev/${mounted.device}n1`;
      await guest.run(`mkfs.ext4 -q ${disk} && mkdir -p /srv/odd && mount ${disk} /srv/odd`);
      try {
        // Both lines go: the path that is mounted is held, the other one is a disk that nobody uses.
        await reloadStacd(guest, {});
        const left = await untilConnected(guest, ["sub-001"]);
        assert.deepEqual(left.filter((c) => !c.discovery).map(({ device }) => device), [mounted.device]);
        await guest.run("dd if=/dev/urandom of=/srv/odd/file bs=64k count=16 conv=fsync status=none");
        assert.match(
          await guest.run(`COLUMNS=400 stacctl explain ${nqnOf("sub-001")}`),
          /mounted on \/srv\/odd/,
        );
      } finally {
        await guest.run("umount /srv/odd");
      }
      await untilConnected(guest, []);
    },
  );
}

/** Modules that can be taken out: a kernel that has them built in cannot lack them. */
const MODULES: readonly Need[] = [{
  look: "modinfo -n nvme-core | grep -q /",
  lacking: "the kernel has NVMe built in",
}];

export const scenarios: readonly Scenario[] = [
  { name: "odd host: Avahi masked, and started later", ofOurs: true, slow: true, needs: AVAHI, run: avahi },
  { name: "odd host: read-only root file system", ofOurs: true, slow: true, run: readOnlyRoot },
  { name: "odd host: NVMe modules not loaded", ofOurs: true, slow: true, needs: MODULES, run: noModule },
  { name: "odd host: no libnvme", ofOurs: true, slow: true, run: noLibnvme },
  { name: "odd host: a libnvme 3 without its functions", ofOurs: true, slow: true, run: falseLibnvme },
  {
    name: "odd host: libnvme 3 alone, then without a library that it needs",
    ofOurs: true,
    slow: true,
    needs: LIBNVME_3,
    run: libnvme3,
  },
  {
    name: "odd host: no IPv6 in the kernel",
    ofOurs: true,
    slow: true,
    needs: AVAHI,
    kernelArguments: "ipv6.disable=1",
    run: noIpv6,
  },
  {
    name: "odd host: cgroup v1",
    ofOurs: true,
    slow: true,
    needs: [...CGROUP_V1, ...AVAHI],
    kernelArguments: "systemd.unified_cgroup_hierarchy=0",
    run: cgroupV1,
  },
  { name: "odd host: IPv6 only", ofOurs: true, slow: true, needs: IPV6, run: ipv6Only },
  { name: "odd host: native multipath off", ofOurs: true, slow: true, needs: MODULES, run: noMultipath },
];
