/**
 * The text written to `/dev/nvme-fabrics` to make a connection, and the reply (KRN-30 to KRN-34).
 * The kernel knows no quoting: a comma in a value would begin another option, so values with commas are refused.
 */
import { MAKE_DHCHAP_KEY } from "./nvme_cli.ts";
import { isIp } from "./address.ts";
import type { ConnectOptions, DhchapKeys } from "./connect_options.ts";
import { type Decoded, decoded, malformed } from "../base/decoded.ts";
import type { Failure } from "../base/failure.ts";
import { isUuid, MAX_NQN } from "./host_nqn.ts";
import type { FabricsSupport } from "./kernel_version.ts";
import { hasControl, quoted } from "../base/plain_text.ts";
import { CONNECT_OPTIONS, type ConnectOption, isPassed, ofKernelName, takes } from "./option_table.ts";
import { type Tid, WELL_KNOWN_DISC_NQN } from "./tid.ts";

export interface ConnectParts {
  readonly tid: Tid;
  readonly hostId: string;
  readonly discovery: boolean;
  readonly options: ConnectOptions;
  readonly keys: DhchapKeys;
}

export type EncodedConnect =
  | {
    readonly ok: true;
    /** Contains secrets (S8): only for writing to the device. */
    readonly text: string;
    /** The same with `*****` for each secret. */
    readonly redacted: string;
    /**
     * Requested options that were left out, because the kernel or the transport does not have them. Never a security
     * option.
     */
    readonly dropped: readonly string[];
  }
  | { readonly ok: false; readonly failure: Failure };

/** The kernel takes one page. */
export const MAX_CONNECT_TEXT = 4096;

/** Every kernel has these, and without them it would be another connection: no list may remove them. */
const IDENTITY = new Set(["nqn", "transport", "traddr", "hostnqn", "hostid"]);

/** KRN-30. */
const NUMBERS = inOrder([
  "nr_io_queues",
  "nr_write_queues",
  "nr_poll_queues",
  "queue_size",
  "keep_alive_tmo",
  "reconnect_delay",
  "ctrl_loss_tmo",
]);
const REFERENCES = inOrder(["keyring", "tls_key"]);
const FLAGS = inOrder(["disable_sqflow", "hdr_digest", "data_digest", "tls", "concat"]);

function inOrder(names: readonly string[]): readonly ConnectOption[] {
  return names.flatMap((name) => CONNECT_OPTIONS.filter(({ kernel }) => kernel === name));
}

const encoder = new TextEncoder();

function refusal(message: string, remedy: string): Failure {
  return { phase: "connect", kind: "permanent", message, remedy };
}

const badValue = (name: string, value: string, why: string, remedy: string) =>
  refusal(`${name} ${quoted(value)} ${why}`, remedy);

/** One `name=value`, or a flag when `value` is undefined. */
interface Item {
  readonly name: string;
  readonly value?: string;
  readonly secret?: boolean;
}

const present = (text: string): boolean => text !== "" && text.toLowerCase() !== "none";

/** Errors in the identity, whatever the kernel supports. */
function identityProblem({ tid, hostId }: ConnectParts): Failure | undefined {
  for (const [name, nqn] of [["subsystem NQN", tid.subsysnqn], ["host NQN", tid.hostNqn]] as const) {
    // Without these the kernel would generate its own, and the connection would have a foreign identity.
    if (!present(nqn)) return refusal(`${name} is missing`, "give the connection its NQN");
    if (encoder.encode(nqn).length > MAX_NQN) {
      return badValue(name, nqn, `is longer than ${MAX_NQN} bytes`, "no controller can have this NQN");
    }
  }
  if (!isUuid(hostId)) {
    return badValue("host ID", hostId, "is not a UUID", "set one with: stasadm hostid -f /etc/nvme/hostid");
  }
  if (tid.transport === "tcp" || tid.transport === "rdma") {
    if (!isIp(tid.traddr)) {
      return badValue("traddr", tid.traddr, "is not an IP address", "names have to be resolved before");
    }
    if (!/^[0-9]{1,5}$/.test(tid.trsvcid) || Number(tid.trsvcid) < 1 || Number(tid.trsvcid) > 65_535) {
      return badValue("trsvcid", tid.trsvcid, "is not a port number", "use 1 to 65535");
    }
  } else if (tid.transport === "fc" && (!present(tid.traddr) || !present(tid.hostTraddr))) {
    return refusal("fc needs traddr and host-traddr", "name both ends as nn-0x...:pn-0x...");
  }
  return undefined;
}

/**
 * Combinations that the kernel would refuse without a reason, or accept although the connection is less secure than
 * it looks.
 */
function securityProblem({ options, keys }: ConnectParts): Failure | undefined {
  if (keys.ctrlKey !== undefined && keys.hostKey === undefined) {
    return refusal(
      "dhchap-ctrl-secret without a host secret: the kernel would not authenticate at all",
      "set dhchap-secret for the controller, or [Host] key in sys.conf",
    );
  }
  for (
    const [name, key] of [["dhchap-secret", keys.hostKey], ["dhchap-ctrl-secret", keys.ctrlKey]] as const
  ) {
    // The kernel prints a malformed secret to its log (S8).
    if (key !== undefined && !/^DHHC-1:[0-9A-Fa-f]{2}:[A-Za-z0-9+/]+=*:?$/.test(key.reveal())) {
      return refusal(`${name} is not of the form DHHC-1:HH:BASE64:`, `make one with: ${MAKE_DHCHAP_KEY}`);
    }
  }
  const tls = options.tls === true;
  if (options.concat === true && (tls || options.tlsKey !== undefined)) {
    return refusal("concat and tls exclude each other", "choose one: concat makes its own TLS key");
  }
  if (options.concat === true && keys.hostKey === undefined) {
    return refusal("concat needs a host secret", "set dhchap-secret for the controller");
  }
  if (!tls && options.concat !== true && (options.tlsKey ?? options.keyring) !== undefined) {
    return refusal(
      "a TLS key or keyring is given but tls is off: the connection would not be encrypted",
      "set tls=true",
    );
  }
  return undefined;
}

function serial(name: string, value: string): string | Failure {
  const number = /^(0x[0-9a-f]{1,8}|[0-9]{1,10})$/i.test(value) ? Number(value) : 0;
  return number > 0 && number <= 0x7fff_ffff ? `0x${number.toString(16).padStart(8, "0")}` : badValue(
    name,
    value,
    "is not the serial number of a key",
    "look its identity up in the keyring before",
  );
}

/** All requested options, in the order of KRN-30. */
function itemsOf({ tid, hostId, discovery, options, keys }: ConnectParts): Item[] | Failure {
  const items: Item[] = [
    { name: "nqn", value: tid.subsysnqn },
    { name: "transport", value: tid.transport },
    { name: "traddr", value: tid.traddr },
    { name: "host_traddr", value: tid.hostTraddr },
    { name: "host_iface", value: tid.hostIface },
    { name: "trsvcid", value: tid.trsvcid },
    { name: "hostnqn", value: tid.hostNqn },
    { name: "hostid", value: hostId },
  ].filter((item) => present(item.value));
  // KRN-33: with the well-known NQN it is a discovery controller anyway.
  if (discovery && tid.subsysnqn !== WELL_KNOWN_DISC_NQN) items.push({ name: "discovery" });
  if (keys.hostKey !== undefined) {
    items.push({ name: "dhchap_secret", value: keys.hostKey.reveal(), secret: true });
  }
  if (keys.ctrlKey !== undefined) {
    items.push({ name: "dhchap_ctrl_secret", value: keys.ctrlKey.reveal(), secret: true });
  }
  for (const option of NUMBERS) {
    const value = options[option.key];
    if (option.kind !== "integer" || typeof value !== "number") continue;
    const { kernel: name, min, max } = option;
    if (!Number.isInteger(value) || value > max || (value > 0 && value < min)) {
      return refusal(`${name} ${value} is not a whole number from ${min} to ${max}`, "correct the option");
    }
    if (isPassed(option, value)) items.push({ name, value: String(value) });
  }
  for (const { key, kernel: name } of REFERENCES) {
    const value = options[key];
    if (typeof value !== "string") continue;
    const number = serial(name, value);
    if (typeof number !== "string") return number;
    items.push({ name, value: number });
  }
  for (const { key, kernel: name } of FLAGS) if (options[key] === true) items.push({ name });
  return items;
}

const render = ({ name, value }: Item): string => value === undefined ? name : `${name}=${value}`;

/**
 * The connect text for a request. A security option that the kernel or the transport does not have is a permanent
 * failure, and so is `discovery`; any other one is left out and named in `dropped`. `tls_key` and `keyring` must
 * already be serial numbers.
 */
export function encodeConnect(parts: ConnectParts, supported: FabricsSupport): EncodedConnect {
  const problem = identityProblem(parts) ?? securityProblem(parts);
  if (problem !== undefined) return { ok: false, failure: problem };
  const items = itemsOf(parts);
  if (!Array.isArray(items)) return { ok: false, failure: items };
  const discovery = parts.discovery || parts.tid.subsysnqn === WELL_KNOWN_DISC_NQN;
  const kept: Item[] = [];
  const dropped: string[] = [];
  for (const item of items) {
    if (item.value !== undefined && (item.value.includes(",") || hasControl(item.value))) {
      const shown = item.secret === true ? "" : ` ${quoted(item.value)}`;
      const message = `${item.name}${shown} has a comma or a control character in it`;
      return { ok: false, failure: refusal(message, "the kernel cannot be given such a value") };
    }
    const option = ofKernelName(item.name);
    if (discovery && option?.ioOnly === true) continue;
    const here = takes(parts.tid.transport, item.name);
    if (here && (IDENTITY.has(item.name) || supported.has(item.name))) {
      kept.push(item);
    } else if (option?.security === true) {
      const failure = here
        ? refusal(
          `this kernel does not support ${item.name}`,
          "use a kernel that has it, or remove the option",
        )
        : refusal(`${item.name} is not supported on ${parts.tid.transport}`, "remove the option, or use tcp");
      return { ok: false, failure };
    } else if (item.name === "discovery") {
      // Without it the kernel would treat the discovery controller as an I/O controller.
      const message = "this kernel cannot connect to a discovery controller by an NQN of its own";
      return { ok: false, failure: refusal(message, "leave its nqn out, or use Linux 5.16 or later") };
    } else {
      dropped.push(item.name);
    }
  }
  const text = kept.map(render).join(",");
  if (encoder.encode(text).length > MAX_CONNECT_TEXT) {
    const message = `connect options are longer than ${MAX_CONNECT_TEXT} bytes`;
    return { ok: false, failure: refusal(message, "the kernel takes no more; remove options") };
  }
  const redacted = kept.map((item) => render(item.secret === true ? { ...item, value: "*****" } : item)).join(
    ",",
  );
  return { ok: true, text, redacted, dropped };
}

export interface ConnectReply {
  /** N of `nvmeN`. */
  readonly instance: number;
  readonly cntlid: number;
}

/** KRN-34: `instance=N,cntlid=M`. */
export function parseConnectReply(text: string): Decoded<ConnectReply> {
  const found = /^instance=(\d{1,9}),cntlid=(\d{1,5})\s*$/.exec(text);
  return found === null
    ? malformed(0, `reply of /dev/nvme-fabrics: ${quoted(text)} is not instance=N,cntlid=M`)
    : decoded({ instance: Number(found[1]), cntlid: Number(found[2]) });
}
