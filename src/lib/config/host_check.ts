/**
 * Checks a file for this host: passes its entries to the encoder of the connect options, with the identity
 * and key of sys.conf and, where known, the kernel's list of options. `check` and the daemons use the same
 * texts.
 */
import { isIp, parseIp } from "../nvme/address.ts";
import type { DhchapKeys } from "../nvme/connect_options.ts";
import { encodeConnect } from "../nvme/fabrics_options.ts";
import { isUuid } from "../nvme/host_nqn.ts";
import type { FabricsSupport } from "../nvme/kernel_version.ts";
import { CONNECT_OPTIONS, LINE_OPTIONS, ofKernelName } from "../nvme/option_table.ts";
import type { Secret } from "../base/secret.ts";
import { type Tid, WELL_KNOWN_DISC_NQN } from "../nvme/tid.ts";
import { mergedOptions } from "./connect_option.ts";
import { type ControllerLine, toTid } from "./controller_line.ts";
import type { DaemonConf } from "./daemon_conf.ts";
import { type Finding, FindingList } from "./finding.ts";
import type { Daemon } from "./known_options.ts";

export interface HostFacts {
  readonly nqn: string;
  readonly id: string;
  /** `unknown`: the file may not be read. */
  readonly key: Secret | undefined | "unknown";
  /** The options that `/dev/nvme-fabrics` lists; undefined if they are unknown. */
  readonly support: FabricsSupport | undefined;
}

const EVERYTHING: FabricsSupport = new Set([
  ...[...LINE_OPTIONS, ...CONNECT_OPTIONS].map(({ kernel }) => kernel),
  "discovery",
]);

/** In the order of the file. `told`: the parser's findings, so that no line is reported twice. */
export function hostFindings(
  conf: DaemonConf,
  daemon: Daemon,
  host: HostFacts,
  told: readonly Finding[],
): readonly Finding[] {
  const lists = new Map<string, FindingList>();
  const place = (file: string, line: number): string => `${line}:${file}`;
  const wrong = new Set(
    told.flatMap(({ severity, file, line }) => severity === "error" ? [place(file, line)] : []),
  );
  for (const line of conf.controllers) {
    if (line.origin.kind !== "file" || wrong.has(place(line.origin.file, line.origin.line))) continue;
    const { file } = line.origin;
    const at = { line: line.origin.line, column: 1 };
    const findings = lists.get(file) ?? new FindingList(file);
    lists.set(file, findings);
    checkConnect(
      line,
      conf,
      daemon,
      host,
      (kind, message) => findings.add(kind, at, message),
    );
    const { subsysnqn, hostNqn, hostId } = line.fields;
    if (daemon === "stafd" && isSubsystem(subsysnqn)) {
      findings.add(
        "unusual",
        at,
        `nqn ${subsysnqn} counts as a discovery controller's own NQN; an I/O controller belongs in stacd.conf, and for a ` +
          "discovery controller nqn can be left out",
      );
    }
    if (hostNqn !== undefined && hostNqn !== host.nqn && hostId === "") {
      findings.add(
        "unusual",
        at,
        "host-nqn is given without host-id: the kernel refuses it while anything is connected with the host NQN of sys.conf " +
          "and the same host ID; add host-id=UUID",
      );
    }
  }
  return [...lists.values()].flatMap((findings) => findings.sorted());
}

/** The NQN of a discovery controller usually shows its type. */
const isSubsystem = (nqn: string): boolean =>
  nqn !== "" && nqn !== WELL_KNOWN_DISC_NQN && !/disc|cdc|sfss/i.test(nqn);

type Say = (kind: "impossible" | "not-taken", message: string) => void;

function checkConnect(
  line: ControllerLine,
  conf: DaemonConf,
  daemon: Daemon,
  host: HostFacts,
  say: Say,
): void {
  const options = mergedOptions(conf.options, line.overrides);
  const { hostKey: own, ctrlKey } = line.keys;
  const hostKey = own ?? (host.key === "unknown" ? undefined : host.key);
  const needsKey = ctrlKey !== undefined || options.concat === true;
  if (needsKey && hostKey === undefined && host.key === "unknown") return;
  const keys: DhchapKeys = {
    ...(hostKey === undefined ? {} : { hostKey }),
    ...(ctrlKey === undefined ? {} : { ctrlKey }),
  };
  // A reference to a key is looked up in the keyring before it goes to the kernel.
  const looked = {
    ...options,
    ...(options.keyring === undefined ? {} : { keyring: "1" }),
    ...(options.tlsKey === undefined ? {} : { tlsKey: "1" }),
  };
  const encoded = encodeConnect({
    tid: withAddress(toTid(line, { hostNqn: host.nqn, ignoreIface: conf.ignoreIface.value })),
    hostId: isUuid(line.fields.hostId || host.id) ? line.fields.hostId || host.id : ANY_ID,
    discovery: daemon === "stafd",
    options: looked,
    keys,
  }, host.support ?? EVERYTHING);
  if (!encoded.ok) {
    const { message, remedy } = encoded.failure;
    return say("impossible", `${message}${remedy === undefined ? "" : `; ${remedy}`}; connecting will fail`);
  }
  for (const kernel of encoded.dropped) {
    const name = ofKernelName(kernel)?.name ?? kernel;
    if (EVERYTHING.has(kernel) && host.support?.has(kernel) === false) {
      say("not-taken", `this kernel does not support ${kernel}: ${name} has no effect`);
    }
  }
}

/** A wrong host ID is reported for sys.conf. */
const ANY_ID = "11111111-1111-4111-8111-111111111111";

/** A host name stands for an address. */
function withAddress(tid: Tid): Tid {
  const isName = (tid.transport === "tcp" || tid.transport === "rdma") && !isIp(tid.traddr);
  if (!isName) return tid;
  return { ...tid, traddr: parseIp(tid.hostTraddr)?.family === 6 ? "2001:db8::1" : "192.0.2.1" };
}
