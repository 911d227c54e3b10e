/** The transports that this host can use, without loading a module (V8). */
import type { Transport } from "../nvme/tid.ts";

const HARDWARE: readonly (readonly [Transport, string])[] = [["rdma", "infiniband"], ["fc", "fc_host"]];

/** tcp: any network will do. */
export function usableTransports(root = ""): ReadonlySet<Transport> {
  const usable = new Set<Transport>(["tcp"]);
  for (const [transport, kind] of HARDWARE) {
    if (isThere(`${root}/sys/module/nvme_${transport}`) || hasEntries(`${root}/sys/class/${kind}`)) {
      usable.add(transport);
    }
  }
  if (isThere(`${root}/sys/module/nvme_loop`)) usable.add("loop");
  return usable;
}

function isThere(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch (error) {
    if (error instanceof Error) return false;
    throw error;
  }
}

function hasEntries(folder: string): boolean {
  try {
    for (const _ of Deno.readDirSync(folder)) return true;
    return false;
  } catch (error) {
    if (error instanceof Error) return false;
    throw error;
  }
}
