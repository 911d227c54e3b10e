/** One I/O controller, for tests that need any. */
import type { Tid } from "../../../src/lib/nvme/tid.ts";

export const TID: Tid = {
  transport: "tcp",
  traddr: "10.0.0.1",
  trsvcid: "4420",
  subsysnqn: "nqn.sub",
  hostTraddr: "",
  hostIface: "",
  hostNqn: "nqn.host",
};
