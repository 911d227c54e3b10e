/**
 * Names that mean the security of a connection, including mistyped names and those of other programs. A
 * request under such a name must not be lost: a connection without it would be less safe than its owner wants
 * (S15).
 */
import { editDistance } from "./suggestion.ts";

export type SecurityOption =
  | "tls"
  | "concat"
  | "keyring"
  | "tls-key"
  | "dhchap-secret"
  | "dhchap-ctrl-secret";

const OURS: readonly SecurityOption[] = [
  "tls",
  "concat",
  "keyring",
  "tls-key",
  "dhchap-secret",
  "dhchap-ctrl-secret",
];

/** Names in nvme-cli, in libnvme's JSON files and in sysfs, with our names. */
const ELSEWHERE: ReadonlyMap<string, SecurityOption> = new Map([
  ["ssl", "tls"],
  ["tls-mode", "tls"],
  ["concatenation", "concat"],
  ["secure-concat", "concat"],
  ["secure-concatenation", "concat"],
  ["tls-keyring", "keyring"],
  ["key-ring", "keyring"],
  ["psk", "tls-key"],
  ["psk-identity", "tls-key"],
  ["tls-psk", "tls-key"],
  ["tls-identity", "tls-key"],
  ["tls-key-identity", "tls-key"],
  ["tls-configured-key", "tls-key"],
  ["configured-key", "tls-key"],
  ["dhchap", "dhchap-secret"],
  ["dhchap-key", "dhchap-secret"],
  ["dhchap-host-key", "dhchap-secret"],
  ["dhchap-host-secret", "dhchap-secret"],
  ["dhchap-ctrl-key", "dhchap-ctrl-secret"],
  ["dhchap-ctrl", "dhchap-ctrl-secret"],
  ["kxchap", "dhchap-secret"],
  ["kxchap-key", "dhchap-secret"],
  ["kxchap-secret", "dhchap-secret"],
  ["kxchap-host-key", "dhchap-secret"],
  ["kxchap-host-secret", "dhchap-secret"],
  ["kxchap-ctrl-key", "dhchap-ctrl-secret"],
  ["kxchap-ctrl-secret", "dhchap-ctrl-secret"],
  ["hostkey", "dhchap-secret"],
  ["host-key", "dhchap-secret"],
  ["host-secret", "dhchap-secret"],
  ["secret", "dhchap-secret"],
  ["ctrlkey", "dhchap-ctrl-secret"],
  ["ctrl-key", "dhchap-ctrl-secret"],
  ["ctrl-secret", "dhchap-ctrl-secret"],
]);

/** One-letter options of nvme-cli; without a dash before it a letter means nothing. */
const LETTERS: ReadonlyMap<string, SecurityOption> = new Map([
  ["-S", "dhchap-secret"],
  ["-C", "dhchap-ctrl-secret"],
]);

/** Other names that we or nvme-cli know: however similar to one of ours, they are not typing errors. */
const HARMLESS: ReadonlySet<string> = new Set([
  "adrfam",
  "application",
  "concise",
  "config",
  "context",
  "controller",
  "ctrl-loss-tmo",
  "data-digest",
  "device",
  "disable-sqflow",
  "dump-config",
  "duplicate-connect",
  "exclude",
  "fast-io-fail-tmo",
  "force",
  "hdr-digest",
  "host-id",
  "host-iface",
  "host-nqn",
  "host-symname",
  "host-traddr",
  "hostid",
  "hostnqn",
  "hostsymname",
  "ignore-iface",
  "ip-family",
  "kato",
  "keep-alive-tmo",
  "key",
  "nqn",
  "nr-io-queues",
  "nr-poll-queues",
  "nr-write-queues",
  "output-format",
  "owner",
  "persistent",
  "pleo",
  "queue-size",
  "quiet",
  "raw",
  "reconnect-delay",
  "subsysnqn",
  "symname",
  "timeout",
  "tos",
  "traddr",
  "transport",
  "tron",
  "trsvcid",
  "trtype",
  "verbose",
]);

/** A longer word than this does not count as mistyped. */
const MAX_LENGTH = 40;
/** Names this short resemble too many words for a guess. */
const MIN_FOREIGN = 6;

/** Case, leading dashes, quotes and separators between words are ignored. */
const folded = (name: string): string =>
  name.normalize("NFKC").toLowerCase().replace(/[\p{Cc}\p{Cf}"'`]/gu, "").trim()
    .replace(/[\p{Pd}_\s.]+/gu, "-").replace(/^-+|-+$/g, "");

/** The security option that a name means or resembles. */
export function securityMeant(name: string): SecurityOption | undefined {
  const letter = LETTERS.get(name.trim());
  if (letter !== undefined) return letter;
  const word = folded(name);
  if (word === "" || HARMLESS.has(word)) return undefined;
  for (const option of OURS) if (option === word) return option;
  return ELSEWHERE.get(word) ?? ofFamily(word) ?? nearly(word);
}

/** Is it the exact name, or another program's? */
export function namesSecurity(name: string): boolean {
  const word = folded(name);
  return OURS.some((option) => option === word) || ELSEWHERE.has(word);
}

function ofFamily(word: string): SecurityOption | undefined {
  if (/^(dhchap|kxchap|dhhc)|secret/.test(word)) {
    return /ctrl|controller/.test(word) ? "dhchap-ctrl-secret" : "dhchap-secret";
  }
  if (/^tls-?\d/.test(word)) return "tls";
  if (/^tls-|^nvmetlskey|(^|-)psk(-|$)/.test(word)) return /ring/.test(word) ? "keyring" : "tls-key";
  return undefined;
}

function nearly(word: string): SecurityOption | undefined {
  if (word.length > MAX_LENGTH) return undefined;
  const squeezed = word.replaceAll("-", "");
  let best: SecurityOption | undefined;
  let bestDistance = Infinity;
  const names: readonly (readonly [string, SecurityOption])[] = [
    ...OURS.map((option) => [option, option] as const),
    ...[...ELSEWHERE].filter(([name]) => name.length >= MIN_FOREIGN),
  ];
  for (const [name, option] of names) {
    const distance = Math.min(
      editDistance(word, name),
      editDistance(squeezed, name.replaceAll("-", "")),
    );
    if (distance <= (name.length < 10 ? 1 : 2) && distance < bestDistance) {
      best = option;
      bestDistance = distance;
    }
  }
  return best;
}

/** The correct form of the option. */
export function remedyFor(option: SecurityOption): string {
  switch (option) {
    case "tls":
    case "concat":
      return `write ${option}=true (or false)`;
    case "keyring":
      return "write keyring=NAME";
    case "tls-key":
      return "write tls-key=IDENTITY, the identity or serial number of a key in the keyring";
    case "dhchap-secret":
    case "dhchap-ctrl-secret":
      return `write ${option}=DHHC-1:HH:BASE64:`;
  }
}

/** The security option in a text that was read as part of something else: `10,tls=true`. */
export function securityWithin(value: string): SecurityOption | undefined {
  const [first = "", ...pieces] = value.split(/[,\s]+/);
  if (/^dhhc-|^nvmetlskey-/i.test(first)) return securityMeant(first);
  for (const piece of pieces) {
    const [name = ""] = piece.split(/[=:]/, 1);
    const meant = piece === name
      ? (namesSecurity(name) ? securityMeant(name) : undefined)
      : securityMeant(name);
    if (meant !== undefined) return meant;
  }
  return undefined;
}
