/** `doctor` in a container: the parts of the host that it needs, and those that it cannot have. */
import { containerOf } from "../lib/base/container.ts";
import {
  bad,
  type Diagnosis,
  exists,
  good,
  namesIn,
  notice,
  type Patient,
  warning,
} from "./doctor_finding.ts";
import { readFileText } from "./host_identity.ts";

export function examineContainer({ world, daemon }: Patient): readonly Diagnosis[] {
  const { root } = world;
  const made = containerOf((path) => exists(root + path), (name) => world.env(name));
  if (made === undefined) return [];
  const mounts = mountsOf(root);
  const found: Diagnosis[] = [];
  if (!["/etc/nvme", "/etc"].some((path) => mounts.has(path))) {
    found.push(bad(
      "/etc/nvme is not the host's: every machine that runs this image has the same host NQN",
      "mount the host's: --volume /etc/nvme:/etc/nvme",
    ));
  }
  if (!mounts.has("/dev") && !exists(`${root}/dev/nvme-fabrics`)) {
    found.push(bad("/dev is not the host's: devices of new connections never appear", "--volume /dev:/dev"));
  }
  if (mounts.get("/sys") !== true) {
    found.push(
      bad("/sys cannot be written: nothing can be disconnected", "--privileged, and --volume /sys:/sys"),
    );
  }
  if (!hasHostNetwork(root)) {
    found.push(bad(
      "the network is the container's own: mDNS does not reach it, and connections start from within it",
      "--network host",
    ));
  }
  const state = `/run/${daemon}`;
  if (!mounts.has(state) && !mounts.has("/run")) {
    found.push(warning(
      `${state} is lost with the container: after a restart no log page is known`,
      `--volume ${state}:${state}`,
    ));
  }
  if (daemon === "stafd" && !mounts.has("/run/udev") && !mounts.has("/run")) {
    found.push(notice(
      "the host's /run/udev is not mounted: nvme-cli's udev rule on the host stays in force beside stafd",
      "--volume /run/udev:/run/udev",
    ));
  }
  const what = made === "a container" ? made : `a container of ${made}`;
  return [
    good(`this is ${what}`),
    ...found,
    ...(daemon === "stacd"
      ? [
        good(
          "namespaces in use are recognised by claiming the device: the host's mounts are not visible here",
        ),
      ]
      : []),
  ];
}

/** Mount points, and whether they are writable. */
function mountsOf(root: string): ReadonlyMap<string, boolean> {
  const text = readFileText(`${root}/proc/self/mountinfo`);
  const found = new Map<string, boolean>();
  for (const line of text.ok ? text.text.split("\n") : []) {
    const [, , , , point = "", options = ""] = line.split(" ");
    if (point !== "") found.set(point, options.split(",").includes("rw"));
  }
  return found;
}

/** The host's sysfs lists the interfaces of the host, while /proc lists those of this process. */
function hasHostNetwork(root: string): boolean {
  const text = readFileText(`${root}/proc/net/dev`);
  if (!text.ok) return true;
  const mine = text.text.split("\n").flatMap((line) => /^\s*([^:\s]+):/.exec(line)?.[1] ?? []).toSorted();
  const listed = namesIn(`${root}/sys/class/net`).filter((name) => name !== "bonding_masters");
  return mine.join(" ") === listed.join(" ") && mine.some((name) => name !== "lo");
}
