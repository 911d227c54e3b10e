/**
 * Other names in place of NQNs, addresses, host names and serial numbers, throughout a report: the same name is always
 * the same pseudonym. Forms stay as they are, so that a recording still plays: the words of an NQN between its
 * separators, networks (two addresses share as many leading bits as before), ports and interfaces.
 */
import { canonicalIp, formatIp, parseIp, unmapped } from "../lib/nvme/address.ts";
import { isRecord } from "../lib/dbus/json_reader.ts";
import { WELL_KNOWN_DISC_NQN } from "../lib/nvme/tid.ts";

/** What no report gives away, and programs need as it is. */
const KEPT: ReadonlySet<string> = new Set([
  "localhost",
  "tcp",
  "rdma",
  "fc",
  "loop",
  "none",
  "stafd",
  "stacd",
]);
const SHORTEST_NAME = 3;

const UUID = "[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}";
/** Each with its group; what is replaced is not looked at again. */
const FORMS = [
  `(?<nqn>(?<![\\w.-])nqn\\.[^\\s"'\\\\,;|()[\\]{}<>]+)`,
  `(?<uuid>${UUID})`,
  "(?<wwn>0[xX][0-9a-fA-F]{16}(?![0-9a-fA-F]))",
  "(?<mac>(?<![\\w:])(?:[0-9a-fA-F]{2}:){5}[0-9a-fA-F]{2}(?![\\w:]))",
  "(?<v6>(?<![\\w:.])(?:[0-9a-fA-F]{0,4}:){2,}[0-9a-fA-F:.]*)",
  "(?<v4>(?<![\\w.])\\d{1,3}(?:\\.\\d{1,3}){3}(?![\\w]|\\.\\d))",
];

/** Fields whose text is a name wherever they are. */
const NAMED: ReadonlySet<string> = new Set([
  "serial",
  "symname",
  "host",
  "hosts",
  "hostname",
  "subsysnqn",
  "subnqn",
  "nqn",
  "hostnqn",
  "hostNqn",
  "host_nqn",
]);

/** In the log of a person's act, the words for the controllers: perhaps a part of a name, which no form shows. */
const ACT = /\b(?:drained|forgotten|renewed) by uid \d+ .*?: ([^;"]+)/;
/** Of these words, ports and devices are no names. */
const NO_NAME = /^(?:\d+|(?:\/dev\/)?nvme\d+(?:c\d+)?(?:n\d+)?(?:p\d+)?)$/;

export class Pseudonyms {
  readonly #random: () => number;
  /** For each leading bits of an address whether the next bit changes. */
  readonly #flips = new Map<string, boolean>();
  readonly #given = new Map<string, string>();
  readonly #names = new Map<string, string>();
  #pattern = new RegExp(FORMS.join("|"), "g");

  /** `random` gives numbers from 0 to 1. */
  constructor(random: () => number) {
    this.#random = random;
  }

  /** Takes the host names, serial numbers and words of a person in a value, which no form tells from other words. */
  learn(value: unknown, field = ""): void {
    if (typeof value === "string") {
      if (NAMED.has(field) || (field === "traddr" && !isAddress(value))) this.name(value);
      const [, words] = ACT.exec(value) ?? [];
      if (words !== undefined) this.#act(words);
    } else if (Array.isArray(value)) { for (const one of value) this.learn(one, field); }
    else if (isRecord(value)) {
      const { name, stype, what, uid } = value;
      if (typeof name === "string" && typeof stype === "string") this.name(name);
      if (typeof what === "string" && typeof uid === "number") this.#act(what);
      for (const [key, one] of Object.entries(value)) this.learn(one, key);
    }
  }

  /** This text is a name. */
  name(text: string): void {
    const name = text.trim();
    if (name.length < SHORTEST_NAME || KEPT.has(name) || this.#names.has(name) || this.text(name) !== name) {
      return;
    }
    this.#names.set(name, `name-${this.#names.size + 1}`);
    const names = [...this.#names.keys()].toSorted((a, b) => b.length - a.length).map((one) =>
      RegExp.escape(one)
    );
    this.#pattern = new RegExp(
      [...FORMS, `(?<name>(?<![\\w.-])(?:${names.join("|")})(?![\\w-]))`].join("|"),
      "g",
    );
  }

  #act(words: string): void {
    if (!NO_NAME.test(words.trim())) this.name(words);
  }

  /** The value under pseudonyms, with the names of its fields as they are. */
  value(value: unknown): unknown {
    if (typeof value === "string") return this.text(value);
    if (Array.isArray(value)) return value.map((one) => this.value(one));
    if (!isRecord(value)) return value;
    if (value["$"] === "bytes" && typeof value["hex"] === "string") return this.#bytes(value["hex"]);
    return Object.fromEntries(Object.entries(value).map(([key, one]) => [this.text(key), this.value(one)]));
  }

  text(text: string): string {
    return text.replace(this.#pattern, (...found: readonly unknown[]) => {
      const [whole] = found;
      const groups = found.at(-1);
      const is = (form: string): boolean => isRecord(groups) && groups[form] !== undefined;
      const written = String(whole);
      if (is("nqn")) return this.#nqn(written);
      if (is("uuid")) return this.#uuid(written);
      if (is("wwn")) return `0x${this.#hex(written.toLowerCase(), 16)}`;
      if (is("mac")) return `02:00:00${this.#hex(written.toLowerCase(), 6).replace(/../g, ":$&")}`;
      if (is("v6")) return this.#ipv6(written);
      if (is("v4")) return this.#address(written) ?? written;
      return this.#names.get(written) ?? written;
    });
  }

  /** Texts in bytes, as TXT records have them. */
  #bytes(hex: string): unknown {
    const bytes = Uint8Array.fromHex(hex);
    const text = new TextDecoder().decode(bytes);
    const isText = new TextEncoder().encode(text).toHex() === hex;
    return { $: "bytes", hex: isText ? new TextEncoder().encode(this.text(text)).toHex() : hex };
  }

  /** Each word between separators, so that a pattern that ends at one still matches. */
  #nqn(written: string): string {
    const [nqn = ""] = /^.*[^.:]/.exec(written) ?? [];
    if (nqn === WELL_KNOWN_DISC_NQN) return written;
    const rest = written.slice(nqn.length);
    const [prefix = ""] = /^nqn\.(?:\d{4}-\d{2}\.)?/.exec(nqn) ?? [];
    const uuid = /^(org\.nvmexpress:uuid:)(.*)$/.exec(nqn.slice(prefix.length));
    if (uuid !== null) {
      return `${prefix}${uuid[1] ?? ""}${
        (uuid[2] ?? "").replace(new RegExp(UUID), (one) => this.#uuid(one))
      }${rest}`;
    }
    return prefix + nqn.slice(prefix.length).replace(/[^.:*]+/g, (word) => this.#word(word)) + rest;
  }

  #word(word: string): string {
    return this.#once(`word ${word}`, () => `w${this.#given.size + 1}`);
  }

  #uuid(uuid: string): string {
    const hex = this.#hex(uuid.toLowerCase(), 32);
    return [
      hex.slice(0, 8),
      hex.slice(8, 12),
      `4${hex.slice(13, 16)}`,
      `a${hex.slice(17, 20)}`,
      hex.slice(20),
    ].join("-");
  }

  #hex(name: string, digits: number): string {
    return this.#once(
      `hex ${name}`,
      () => Array.from({ length: digits }, () => Math.floor(this.#random() * 16).toString(16)).join(""),
    );
  }

  #once(name: string, make: () => string): string {
    const known = this.#given.get(name) ?? make();
    this.#given.set(name, known);
    return known;
  }

  #ipv6(written: string): string {
    for (let end = written.length; end > 1; end--) {
      const address = this.#address(written.slice(0, end));
      if (address !== undefined) return address + written.slice(end);
      if (/[0-9a-f]/i.test(written.charAt(end - 1))) break;
    }
    return written;
  }

  #address(text: string): string | undefined {
    const ip = parseIp(text);
    if (ip === undefined) return undefined;
    const quad = unmapped(ip.bytes);
    if (quad !== undefined && ip.bytes.length > 4) return `::ffff:${formatIp(this.#flipped(quad))}`;
    return formatIp(this.#flipped(ip.bytes));
  }

  /** What an address is for shows in its first bits: they stay. */
  #flipped(bytes: Uint8Array): Uint8Array {
    const kept = keptBits(bytes);
    const out = new Uint8Array(bytes.length);
    let prefix = `${bytes.length}:`;
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const at = bit >> 3;
      const mask = 0x80 >> (bit & 7);
      const was = ((bytes[at] ?? 0) & mask) !== 0;
      const flips = bit >= kept && this.#flip(prefix);
      if (was !== flips) out[at] = (out[at] ?? 0) | mask;
      prefix += was ? "1" : "0";
    }
    return out;
  }

  #flip(prefix: string): boolean {
    const known = this.#flips.get(prefix) ?? this.#random() < 0.5;
    this.#flips.set(prefix, known);
    return known;
  }
}

function keptBits(bytes: Uint8Array): number {
  const [first = 0, second = 0] = bytes;
  if (bytes.length === 4) {
    const isSpecial = first === 0 || first === 127 || first >= 224;
    return isSpecial ? 32 : first === 169 && second === 254 ? 16 : 8;
  }
  const isLoopback = bytes.every((byte, at) => byte === (at === 15 ? 1 : 0)) ||
    bytes.every((byte) => byte === 0);
  return isLoopback || first === 0xff ? 128 : first === 0xfe && (second & 0xc0) === 0x80 ? 64 : 16;
}

const isAddress = (text: string): boolean => canonicalIp(text) !== undefined || /0x[0-9a-f]{16}/i.test(text);
