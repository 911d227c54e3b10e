/** What this host has for TLS (nvme/tls_host.ts): whether handshakes are done, and for whom the keyrings have a key. */
import { pairsOfKeys, type TlsHost } from "../nvme/tls_host.ts";
import { handshakeDaemon } from "./handshakes.ts";

const KEYS = "/proc/keys";

export const tlsHost = (): TlsHost => ({ daemon: handshakeDaemon(), pairs: pairsIn(KEYS) });

/** Keys of root's keyrings are shown to root; undefined where the file cannot be read. */
function pairsIn(file: string): ReadonlySet<string> | undefined {
  try {
    return pairsOfKeys(Deno.readTextFileSync(file));
  } catch (error) {
    if (error instanceof Error) return undefined;
    throw error;
  }
}
