/** Conditions for the start of a daemon (STAF-1). */
import { errnoOf } from "./os_error.ts";

export interface Surroundings {
  readonly uid: number | null;
  readonly fabricsDevice: string;
}

const HERE: Surroundings = { uid: Deno.uid(), fabricsDevice: "/dev/nvme-fabrics" };

/** Why `program` cannot work here, and what to do about it; undefined when it can. */
export function startProblem(
  program: string,
  { uid, fabricsDevice }: Surroundings = HERE,
): string | undefined {
  if (uid !== 0) {
    return `Permission denied: ${program} connects storage for the whole system, run it as root.`;
  }
  try {
    Deno.statSync(fabricsDevice);
    return undefined;
  } catch (error) {
    if (errnoOf(error) === 0) throw error;
    return `${fabricsDevice} is missing: the kernel module is not loaded. Load it with: modprobe nvme-tcp`;
  }
}
