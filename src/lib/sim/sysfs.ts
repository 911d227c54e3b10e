/** The texts in `/sys/class/nvme/nvmeN` of one kernel release, for the product's own decoder. */
import type { SysfsCtrl } from "../nvme/sysfs_ctrl.ts";
import type { Device } from "./devices.ts";
import type { Release } from "./release.ts";

const WELL_KNOWN = "nqn.2014-08.org.nvmexpress.discovery";
const IO_QUEUES = 5;

/** `heads`: the block devices of its namespaces. */
export function sysfsOf(device: Device, release: Release, heads: readonly string[]): SysfsCtrl {
  const { target, complete } = device;
  const service = target?.discovery;
  const told = release.has("types");
  const cntrltype = !complete || target?.tellsNoType === true
    ? "reserved"
    : service === undefined
    ? "io"
    : "discovery";
  const isUntold = !told || cntrltype === "reserved";
  return {
    device: device.name,
    incarnation: device.incarnation,
    uevent: ueventOf(device),
    attributes: {
      address: `${addressOf(device, release)}\n`,
      hostid: line(device.hostId),
      hostnqn: line(device.hostNqn),
      state: `${device.state}\n`,
      subsysnqn: `${subsysnqnOf(device, release)}\n`,
      transport: `${device.transport}\n`,
      ...(told ? { cntrltype: `${cntrltype}\n` } : {}),
      ...(told ? { dctype: `${complete && service !== undefined ? service.dctype : "none"}\n` } : {}),
      ...(complete
        ? {
          cntlid: "1\n",
          // Padded to the width of the Identify field.
          model: `${"Simulated".padEnd(40)}\n`,
          serial: `${`S${device.incarnation}`.padEnd(20)}\n`,
        }
        : {}),
    },
    hasChildren: heads.length > 0,
    ...(isUntold ? { queueCount: `${!complete || service !== undefined ? 1 : IO_QUEUES}\n` } : {}),
    namespaces: heads,
    owner: device.ownedBy,
  };
}

const line = (text: string): string => `${text === "" ? "(efault)" : text}\n`;

/** Until the controller is identified, the requested NQN. */
function subsysnqnOf({ transport, target, asked, complete }: Device, release: Release): string {
  // Its connect may last for ever, and nothing is shown until it has succeeded.
  if (transport === "fc" && !complete) return "(efault)";
  const own = target?.nqn ?? "nqn.2014.08.org.nvmexpress:local";
  if (asked !== WELL_KNOWN) return own;
  return complete && release.has("uniqueNqn") ? own : WELL_KNOWN;
}

function addressOf(device: Device, release: Release): string {
  if (device.target === undefined) return device.traddr;
  const fields = [
    ["traddr", device.traddr],
    ["trsvcid", device.trsvcid],
    ["host_traddr", device.hostTraddr],
    ["host_iface", device.hostIface],
    ["src_addr", release.has("srcAddr") ? device.source : ""],
  ];
  return fields.filter(([, value]) => value !== "").map(([key, value]) => `${key}=${value}`).join(",");
}

function ueventOf(device: Device): string {
  const lines = ["MAJOR=240", `MINOR=${device.name.slice(4)}`, `DEVNAME=${device.name}`];
  if (device.target !== undefined) {
    lines.push(
      `NVME_TRTYPE=${device.transport}`,
      `NVME_TRADDR=${device.traddr}`,
      `NVME_TRSVCID=${device.trsvcid || "none"}`,
      `NVME_HOST_TRADDR=${device.hostTraddr || "none"}`,
      `NVME_HOST_IFACE=${device.hostIface || "none"}`,
    );
  }
  return `${lines.join("\n")}\n`;
}
