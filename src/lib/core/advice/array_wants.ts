/**
 * The settings that the vendors of arrays recommend for a host: the udev rules that they have contributed to
 * nvme-cli. A host without nvme-cli, or with an older one, has the kernel's defaults instead: numa, and 600
 * seconds.
 */
import { isAtLeast } from "../../nvme/kernel_version.ts";

export interface ArrayWants {
  readonly vendor: string;
  /** The complete model name, as Identify returns it. */
  readonly model: string;
  readonly ioPolicy: string;
  /** For kernels without that policy. */
  readonly olderPolicy?: string;
  /** The transports for which the vendor recommends ctrl_loss_tmo -1; empty: none. */
  readonly neverGiveUpOn: readonly string[];
  /** The rule of nvme-cli, which is the source. */
  readonly rule: string;
}

const WANTS: readonly ArrayWants[] = [
  {
    vendor: "NetApp ONTAP",
    model: "NetApp ONTAP Controller",
    ioPolicy: "queue-depth",
    olderPolicy: "round-robin",
    neverGiveUpOn: ["tcp"],
    rule: "71-nvmf-netapp.rules",
  },
  {
    vendor: "NetApp E-Series",
    model: "NetApp E-Series",
    ioPolicy: "round-robin",
    neverGiveUpOn: [],
    rule: "71-nvmf-netapp.rules",
  },
  {
    vendor: "HPE Alletra",
    model: "HPE Alletra",
    ioPolicy: "round-robin",
    neverGiveUpOn: ["tcp"],
    rule: "71-nvmf-hpe.rules",
  },
  {
    vendor: "VAST Data",
    model: "VASTData",
    ioPolicy: "round-robin",
    neverGiveUpOn: ["tcp", "rdma", "fc"],
    rule: "71-nvmf-vastdata.rules",
  },
];

/** The first kernel with the policy queue-depth. */
const QUEUE_DEPTH_SINCE = "6.11";

/** Undefined for an array without known settings. */
export function wantsOf(model: string, kernel: string): ArrayWants | undefined {
  const found = WANTS.find((wants) => wants.model === model.trim());
  if (found?.olderPolicy === undefined || kernel === "" || isAtLeast(kernel, QUEUE_DEPTH_SINCE)) return found;
  return { ...found, ioPolicy: found.olderPolicy };
}
