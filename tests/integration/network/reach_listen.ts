/**
 * Runs in a namespace: listens on the address and port given, answers an ICReq of NVMe/TCP as a target does, and tells who
 * came from where and how it ended.
 */
import { IC_PDU } from "../../../src/lib/nvme/tcp_pdu.ts";

const ICRESP = new Uint8Array(IC_PDU);
ICRESP.set([0x01, 0, IC_PDU, 0, IC_PDU]);

const [hostname = "", port = ""] = Deno.args;
const listener = Deno.listen({ hostname, port: Number(port) });
console.log(JSON.stringify({ listening: true }));

async function ended(connection: Deno.Conn): Promise<string> {
  const bytes = new Uint8Array(IC_PDU + 1);
  for (let got = 0;;) {
    const count = await connection.read(bytes.subarray(got));
    if (count === null) return "closed";
    got += count;
    if (got > IC_PDU || bytes[0] !== 0) return "data";
    if (got === IC_PDU) await connection.write(ICRESP);
  }
}

void (async () => {
  for await (const connection of listener) {
    const { remoteAddr } = connection;
    // An end without a reset is an ordinary one.
    const end = await ended(connection).catch(String);
    console.log(JSON.stringify({ from: remoteAddr.transport === "tcp" ? remoteAddr.hostname : "", end }));
    connection.close();
  }
})();
for await (const _ of Deno.stdin.readable) continue;
listener.close();
