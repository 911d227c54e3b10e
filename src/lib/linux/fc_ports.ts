/**
 * Is the remote port of an FC address logged in? Answered from the classes of the SCSI transport, where drivers of
 * real adapters list all their ports, including those for NVMe. A host port that is missing there, such as one of
 * nvme-fcloop, has no list: then nothing is known.
 */
import { canonicalFc } from "../nvme/address.ts";
import type { Tid } from "../nvme/tid.ts";

interface Port {
  /** Of the SCSI host: `host3` and `rport-3:0-1` have 3. */
  readonly host: string;
  /** `nn-0x...:pn-0x...` */
  readonly address: string;
  readonly state: string;
}

/** The reason why it cannot be reached, in words; undefined when there is none, or nothing is known. */
export function fcProblem({ traddr, hostTraddr }: Tid, sys: string): string | undefined {
  const hosts = portsIn(`${sys}/class/fc_host`, /^host(\d+)$/);
  const remote = portsIn(`${sys}/class/fc_remote_ports`, /^rport-(\d+):/);
  const own = hosts.find(({ address }) => address === canonicalFc(hostTraddr));
  // Another driver's ports say nothing about this one.
  if (remote.length === 0 && own === undefined) return undefined;
  if (hosts.length > 0 && own === undefined) return undefined;
  const found = remote.filter(({ host, address }) =>
    address === canonicalFc(traddr) && (own === undefined || own.host === host)
  );
  if (found.some(({ state }) => state === "" || state === "Online")) return undefined;
  const [port] = found;
  const from = hostTraddr === "" ? "this host" : hostTraddr;
  return port === undefined ? `${from} sees no such remote port` : `the remote port is ${port.state}`;
}

function portsIn(folder: string, naming: RegExp): readonly Port[] {
  let names: readonly string[];
  try {
    names = [...Deno.readDirSync(folder)].map(({ name }) => name);
  } catch (error) {
    // The class does not exist, or the folder is gone: nothing is listed.
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
  return names.flatMap((name) => {
    const host = naming.exec(name)?.[1];
    if (host === undefined) return [];
    const [node, port] = [text(`${folder}/${name}/node_name`), text(`${folder}/${name}/port_name`)];
    if (node === "" || port === "") return [];
    const address = canonicalFc(`nn-${node}:pn-${port}`);
    return [{ host, address, state: text(`${folder}/${name}/port_state`) }];
  });
}

/** Empty if the file cannot be read, or is gone. */
function text(path: string): string {
  try {
    return Deno.readTextFileSync(path).trim();
  } catch (error) {
    if (error instanceof Error && /\(os error \d+\)/.test(error.message)) return "";
    throw error;
  }
}
