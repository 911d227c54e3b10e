/** With what a connection is to be made (CFG-28, CFG-56 to CFG-62, S15), by the files alone. */
import type { ConnectOptions } from "../../src/lib/nvme/connect_options.ts";
import type { Tid } from "../../src/lib/nvme/tid.ts";
import type { ConnectRequest } from "../../src/lib/ports.ts";
import { linesEver } from "./lines_known.ts";
import { numberOf } from "./oracle/conf.ts";
import { isHostName } from "./oracle/excluding.ts";
import { sameController, WELL_KNOWN } from "./oracle/identity.ts";
import type { Daemon, Rules } from "./rules.ts";

/** Names in the files, and in a request. */
const NAMES: ReadonlyMap<keyof ConnectOptions, string> = new Map([
  ["hdrDigest", "hdr-digest"],
  ["dataDigest", "data-digest"],
  ["kato", "kato"],
  ["queueSize", "queue-size"],
  ["reconnectDelay", "reconnect-delay"],
  ["ctrlLossTmo", "ctrl-loss-tmo"],
  ["disableSqflow", "disable-sqflow"],
  ["nrIoQueues", "nr-io-queues"],
  ["nrWriteQueues", "nr-write-queues"],
  ["nrPollQueues", "nr-poll-queues"],
  ["tls", "tls"],
  ["concat", "concat"],
  ["keyring", "keyring"],
  ["tlsKey", "tls-key"],
]);
const SECURITY: readonly (keyof ConnectOptions)[] = ["tls", "concat", "keyring", "tlsKey"];
/** Zero is: not passed, the kernel decides (CFG-28). */
const ZERO_IS_NONE = ["kato", "reconnect-delay", "nr-io-queues", "nr-write-queues", "nr-poll-queues"];

/** What the lines for one controller say, each with `[Global]` behind it. */
interface Asked {
  readonly options: readonly ReadonlyMap<string, string>[];
  /** KRN-35: the secrets of the line go before the host's. */
  readonly keys: readonly Keys[];
  /** Of lines for the same subsystem at the same address. */
  readonly more: readonly Keys[];
}

interface Keys {
  readonly host: string | undefined;
  readonly ctrl: string | undefined;
}

function asked(rules: Rules, who: Daemon, tid: Tid): Asked {
  const conf = rules.confInForce(who);
  const global = new Map(conf.global);
  // CFG-28: stafd's own default.
  if (who === "stafd" && !global.has("kato")) global.set("kato", "30");
  const lines = linesEver(conf, rules.knowledge).filter(({ resolved }) =>
    resolved.some((one) => sameController(one, tid))
  );
  const options = lines.map(({ line }) => new Map([...global, ...line.options]));
  const hostKey = rules.host.key;
  const keys = lines.map(({ line }) => ({ host: line.hostSecret ?? hostKey, ctrl: line.ctrlSecret }));
  // A line speaks for its subsystem at its address, by whichever way that is reached (S15).
  const near = linesEver(conf, rules.knowledge).filter(({ resolved }) =>
    resolved.some((one) => sameController(byAnyWay(one, one.subsysnqn), byAnyWay(tid, nqnFor(who, one, tid))))
  );
  const more = near.map(({ line }) => ({ host: line.hostSecret, ctrl: line.ctrlSecret }));
  if (lines.length > 0) return { options, keys, more };
  // Nothing else speaks for it: what a line there asks for is not left out. What a name meant then is not known.
  const literal = near.filter(({ line }) => !isHostName(line.tid)).map(({ line }) => line);
  const secret = (own: string | undefined, one: "hostSecret" | "ctrlSecret"): string | undefined =>
    literal.map((line) => line[one]).find((text) => text !== undefined) ?? own;
  return {
    options: [global],
    keys: [{ host: secret(hostKey, "hostSecret"), ctrl: secret(undefined, "ctrlSecret") }],
    more: [...more, { host: hostKey, ctrl: undefined }],
  };
}

/** Security that some line or the host asks for; TLS that a page asks for is not in it. */
export function securityAsked(
  rules: Rules,
  who: Daemon,
  tid: Tid,
): Readonly<Record<"tls" | "host" | "ctrl", boolean>> {
  const { options, keys } = asked(rules, who, tid);
  return {
    tls: options.some((one) => ["tls", "concat"].some((name) => plain(name, one.get(name)) !== undefined)),
    host: keys.some(({ host }) => host !== undefined),
    ctrl: keys.some(({ ctrl }) => ctrl !== undefined),
  };
}

/** Of discovery controllers the well-known NQN says nothing: a line with it means whichever is at its address. */
const nqnFor = (who: Daemon, line: Tid, { subsysnqn }: Tid): string =>
  who === "stafd" && [line.subsysnqn, subsysnqn].includes(WELL_KNOWN) ? line.subsysnqn : subsysnqn;

const byAnyWay = (tid: Tid, subsysnqn: string): Tid => ({
  ...tid,
  subsysnqn,
  traddr: tid.traddr.replace(/%.*/, ""),
  hostIface: "",
  hostTraddr: "",
});

/** A value as both sides can be compared by; undefined: it is left to the kernel. */
function plain(name: string, value: string | number | boolean | undefined): string | undefined {
  if (value === undefined) return undefined;
  const text = String(value).toLowerCase();
  if (text === "false" || text === "") return undefined;
  if (text === "true") return text;
  const number = typeof value === "string" ? numberOf(value) : Number(value);
  if (number === undefined || Number.isNaN(number)) return String(value);
  // DEC-13: the kernel takes no negative number; -1 is for ever.
  if (number < 0 && name !== "ctrl-loss-tmo") return undefined;
  return number === 0 && ZERO_IS_NONE.includes(name) ? undefined : String(number);
}

/** What a request is made with, in words, and the rule that it breaks. */
interface Wrong {
  readonly rule: "S15" | "options";
  readonly what: string;
}

const other = (what: string): Wrong => ({ rule: "options", what });
const lessSafe = (what: string): Wrong => ({ rule: "S15", what });

/** What is wrong with a request. Of two lines for one controller either may count, but never the less safe one (S15). */
export function notAsked(rules: Rules, who: Daemon, request: ConnectRequest): Wrong | undefined {
  const { tid, discovery, hostId, options, keys } = request;
  const { host } = rules;
  if (discovery !== (who === "stafd")) return other(`discovery=${discovery}`);
  if (tid.hostNqn === host.nqn && hostId !== host.id) return other(`host ID ${hostId}`);
  const wanted = asked(rules, who, tid);
  for (const [key, name] of NAMES) {
    const made = plain(name, options[key]);
    const values = wanted.options.map((one) => plain(name, one.get(name)));
    if (SECURITY.includes(key)) {
      // More than was asked for is no harm; less is.
      if (made === undefined && values.some((one) => one !== undefined)) return lessSafe(`no ${name}`);
    } else if (!values.includes(made)) return other(`${name}=${made}, not ${values.join(" or ")}`);
  }
  const [hostKey, ctrlKey] = [keys.hostKey?.reveal(), keys.ctrlKey?.reveal()];
  // Each of them from one of the lines: of two that disagree, the one with a secret counts.
  const isOne = (made: string | undefined, own: readonly (string | undefined)[], more: typeof own): boolean =>
    made === undefined ? own.every((one) => one === undefined) : [...own, ...more].includes(made);
  const all =
    isOne(hostKey, wanted.keys.map(({ host: one }) => one), wanted.more.map(({ host: one }) => one)) &&
    isOne(ctrlKey, wanted.keys.map(({ ctrl }) => ctrl), wanted.more.map(({ ctrl }) => ctrl));
  return all ? undefined : lessSafe("other secrets than its line and the host have");
}
