/**
 * sys.conf: the identity of this host (CFG-60 to CFG-79). Values may be in other files, which the caller
 * reads.
 */
import { MAX_SYMNAME } from "../nvme/dim.ts";
import {
  isUuid,
  isUuidNqn,
  MAX_NQN,
  nqnBytes,
  nqnLengthProblem,
  UUID_NQN_PREFIX,
  zeroOrOnes,
} from "../nvme/host_nqn.ts";
import { hasControl } from "../base/plain_text.ts";
import { WELL_KNOWN_DISC_NQN } from "../nvme/tid.ts";
import { Secret } from "../base/secret.ts";
import { keyProblem, mayBeRead, othersMayRead } from "./key_source.ts";
import { FINDING_KINDS, type FindingKind } from "./finding_kind.ts";
import { type Finding, FindingList, inFileOrder, type Position } from "./finding.ts";
import { type Ini, parseIni } from "./ini.ts";
import { OptionReader, valueAt } from "./option_reader.ts";
import { DEFAULT_ORIGIN, defaulted, type Origin, type Value } from "./origin.ts";
import { redacted, shown, visible } from "./redact.ts";
import { securityMeant } from "./security_names.ts";
import { suggestion } from "./suggestion.ts";

export type SysOption = "nqn" | "id" | "key" | "symname";

/** The result of reading a file; `message` is for display. */
export type FileText =
  /** `mode`: the permission bits, where they are known. */
  | { readonly ok: true; readonly text: string; readonly mode?: number }
  | { readonly ok: false; readonly why: "missing" | "unreadable"; readonly message: string };

export type ReadFile = (path: string) => FileText;

/** The names in a folder. A missing folder has none. */
export type ReadFolder = (
  path: string,
) => { readonly ok: true; readonly names: readonly string[] } | {
  readonly ok: false;
  readonly message: string;
};

export interface SysConf {
  /** Host NQN. */
  readonly nqn: Value<string>;
  /** Host ID. */
  readonly id: Value<string>;
  /** The host's DH-HMAC-CHAP key. */
  readonly key: Value<Secret | undefined>;
  /** sys.conf names a key that cannot be read: no connection is made without a key (S15). */
  readonly keyProblem: string | undefined;
  /** Symbolic name, empty when there is none. */
  readonly symname: Value<string>;
}

/** Whether the content is invalid or missing: the first needs a person, the second may resolve itself. */
export type Unusable = "malformed" | "absent";

/** A mandatory value, or the reason for which it is missing. */
export type Mandatory = Value<string> | { readonly error: Finding; readonly why: Unusable };

/** sys.conf with each value on its own: an unusable value does not affect the others. */
export interface SysConfParts {
  readonly nqn: Mandatory;
  readonly id: Mandatory;
  readonly key: Value<Secret | undefined>;
  readonly keyProblem: string | undefined;
  readonly symname: Value<string>;
  /** Without the errors of `nqn` and `id`. */
  readonly findings: readonly Finding[];
}

export type ParsedSysConf =
  | { readonly ok: true; readonly conf: SysConf; readonly findings: readonly Finding[] }
  | { readonly ok: false; readonly why: Unusable; readonly findings: readonly Finding[] };

const HOST = "Host";
const OPTIONS: readonly SysOption[] = ["nqn", "id", "key", "symname"];

/** The files for values that sys.conf does not set. */
export const DEFAULT_FILES: Readonly<Record<"nqn" | "id" | "key", string>> = {
  nqn: "/etc/nvme/hostnqn",
  id: "/etc/nvme/hostid",
  key: "/etc/nvme/hostkey",
};

/** All values that a daemon needs; an error when the host has no NQN or no ID (CFG-77). */
export function parseSysConf(text: string | undefined, file: string, readFile: ReadFile): ParsedSysConf {
  const parts = readSysConf(text, file, readFile);
  if (!parts.ok) return { ...parts, why: "malformed" };
  const { nqn, id, key, keyProblem, symname, findings } = parts.parts;
  const unusable = [nqn, id].flatMap((part) => "error" in part ? [part] : []);
  if ("error" in nqn || "error" in id) {
    const why = unusable.some((part) => part.why === "malformed") ? "malformed" : "absent";
    return {
      ok: false,
      why,
      findings: inFileOrder([...unusable.map(({ error }) => error), ...findings], file),
    };
  }
  return { ok: true, conf: { nqn, id, key, keyProblem, symname }, findings };
}

/** Only a file that breaks the grammar is refused as a whole (CFG-5). */
export function readSysConf(
  text: string | undefined,
  file: string,
  readFile: ReadFile,
):
  | { readonly ok: true; readonly parts: SysConfParts }
  | { readonly ok: false; readonly findings: readonly Finding[] } {
  const ini = parseIni(text ?? "", file);
  if (ini.findings.some((finding) => finding.severity === "error")) {
    return { ok: false, findings: ini.findings };
  }
  const findings = new FindingList(file);
  findings.addAll(ini.findings);
  // Unknown names are allowed here; names that look mistyped get a warning.
  for (const section of ini.sections) {
    if (section.name !== HOST && suggestion(section.name.trim(), [HOST]) !== undefined) {
      findings.add(
        "misplaced",
        section,
        `section ${shown(section.name)} is ignored (did you mean "[${HOST}]"?)`,
      );
    }
  }
  for (const entry of ini.entries) {
    if (entry.section !== HOST || entry.continuation || OPTIONS.some((o) => o === entry.option)) continue;
    if (meansKey(entry.option)) continue;
    const near = suggestion(entry.option.replace(/^host[-_ ]?/, ""), OPTIONS);
    if (near !== undefined) {
      findings.add("misplaced", entry, `option ${shown(entry.option)} is ignored (did you mean "${near}"?)`);
    }
  }
  const source = new SysSource(new OptionReader(ini, file, findings), file, readFile);
  const mistyped = mistypedKey(ini, findings, file);
  const values = {
    nqn: hostNqn(source),
    id: hostId(source),
    key: hostKey(source),
    symname: symbolicName(source),
  };
  return {
    ok: true,
    parts: {
      ...values,
      keyProblem: mistyped ?? source.keyProblem,
      findings: inFileOrder([...findings.sorted(), ...source.warnings], file),
    },
  };
}

/** Does the name of an option mean the host's key? */
function meansKey(option: string): boolean {
  const [first = ""] = option.split(/[:\s,]/, 1);
  return [option, first].some((name) =>
    securityMeant(name) !== undefined ||
    suggestion(name.replace(/^[-_ ]*(?:host[-_ ]?)?/, ""), OPTIONS) === "key"
  );
}

/**
 * A key under a name, or in a section, that has no effect: without the key connections would not be
 * authenticated.
 */
function mistypedKey(ini: Ini, findings: FindingList, file: string): string | undefined {
  let problem: string | undefined;
  const isOption = (option: string): boolean => OPTIONS.some((o) => o === option);
  for (const entry of ini.entries) {
    if (entry.continuation) continue;
    const isHere = entry.section === HOST;
    const isLikeHost = !isHere && suggestion(entry.section.trim(), [HOST]) !== undefined;
    const isKey = isHere
      ? !isOption(entry.option) && meansKey(entry.option)
      : isLikeHost && (entry.option === "key" || meansKey(entry.option));
    const isBare = isHere && entry.option === "key" && entry.value === undefined;
    if (!isKey && !isBare) continue;
    const name = shown(entry.option);
    const what = isBare
      ? "[Host] key has no value; write key = DHHC-1:HH:BASE64: or key = file:///PATH"
      : `${visible(redacted(`[${entry.section}]`))} ${name} is ignored, but seems to mean the host's key; ` +
        `write "key" in section [${HOST}]`;
    findings.add("security", entry, `${what}; ${NO_KEY}`);
    problem ??= `${file}:${entry.line}:${entry.column}: ${what}`;
  }
  return problem;
}

const NO_KEY = "until then only lines with a dhchap-secret make new connections, and a reload is refused";

/** One raw value: its place, and the result. */
interface Found {
  readonly origin: Origin;
  /** The place for findings: in sys.conf, or in the file that it names. */
  readonly file: string;
  readonly at: Position;
  /** Undefined when there is no value; then `problem` says why. */
  readonly text: string | undefined;
  readonly problem: string;
  /** sys.conf sets the value, or a file exists but cannot be read. */
  readonly unexpected: boolean;
  /** A file exists but cannot be read. */
  readonly isUnreadable: boolean;
  /** Every user of this host may read it. */
  readonly isPublic: boolean;
  /** The file that contains the value. */
  readonly path: string;
}

function modeOf(readFile: ReadFile, file: string): number | undefined {
  const read = readFile(file);
  return read.ok ? read.mode : undefined;
}

class SysSource {
  readonly #reader: OptionReader;
  readonly #file: string;
  readonly #readFile: ReadFile;
  /** The lines of sys.conf itself. */
  readonly #mode: number | undefined;
  readonly warnings: Finding[] = [];
  keyProblem: string | undefined;

  constructor(reader: OptionReader, file: string, readFile: ReadFile) {
    this.#mode = modeOf(readFile, file);
    this.#reader = reader;
    this.#file = file;
    this.#readFile = readFile;
  }

  find(option: SysOption): Found {
    // CFG-78: the last value counts here, even if it is empty.
    const entry = this.#reader.all(HOST, option).at(-1);
    if (entry !== undefined) this.#reader.noteRepetition(entry);
    if (entry?.value !== undefined) {
      const origin = this.#reader.origin(entry);
      const at = valueAt(entry);
      if (entry.value.startsWith("file://")) {
        const path = entry.value.slice("file://".length);
        return { origin, file: this.#file, at, ...this.#firstWord(path), unexpected: true };
      }
      const found = {
        text: entry.value,
        problem: "",
        unexpected: true,
        isUnreadable: false,
        isPublic: othersMayRead(this.#mode),
        path: this.#file,
      };
      return { origin, file: this.#file, at, ...found };
    }
    if (entry !== undefined && option !== "key") {
      this.#reader.findings.add("bad-value", entry, `${option} has no value; the line is ignored`);
    }
    const nowhere = { origin: DEFAULT_ORIGIN, file: this.#file, at: { line: 1, column: 1 } };
    if (option === "symname") {
      const none = { text: undefined, problem: "there is none", unexpected: false, isUnreadable: false };
      return { ...nowhere, ...none, isPublic: false, path: this.#file };
    }
    const path = DEFAULT_FILES[option];
    const read = this.#firstWord(path);
    const origin: Origin = { kind: "file", file: path, line: 1 };
    return { ...nowhere, file: path, origin: read.text === undefined ? DEFAULT_ORIGIN : origin, ...read };
  }

  /** Unlike those of the reader, these findings may be about other files. */
  say(kind: FindingKind, found: Found, message: string): void {
    this.warnings.push({ severity: FINDING_KINDS[kind].severity, file: found.file, ...found.at, message });
  }

  /** The configured key cannot be read. */
  noKey(found: Found): void {
    const what = `the host has no key: ${found.problem}; correct the option, or remove it`;
    this.warnings.push({ severity: "error", file: found.file, ...found.at, message: `${what}; ${NO_KEY}` });
    this.keyProblem = `${found.file}:${found.at.line}:${found.at.column}: ${what}`;
  }

  /** CFG-74: the first word of the first line. */
  #firstWord(path: string): Omit<Found, "origin" | "file" | "at"> {
    const read = this.#readFile(path);
    const name = visible(redacted(path));
    if (!read.ok) {
      return {
        text: undefined,
        problem: read.why === "missing"
          ? `${name} does not exist`
          : `${name} cannot be read: ${visible(redacted(read.message))}`,
        unexpected: read.why === "unreadable",
        isUnreadable: read.why === "unreadable",
        isPublic: false,
        path,
      };
    }
    const word = /\S+/.exec(/^[^\r\n]*/.exec(read.text)?.[0] ?? "")?.[0];
    return {
      text: word,
      problem: word === undefined ? `the first line of ${name} is empty` : "",
      unexpected: true,
      isUnreadable: false,
      isPublic: othersMayRead(read.mode),
      path,
    };
  }
}

/** An empty file is about to be written: nothing of it has been read yet. */
function failed(found: Found, message: string): Extract<Mandatory, { readonly error: Finding }> {
  return {
    error: { severity: "error", file: found.file, ...found.at, message },
    why: found.text === undefined ? "absent" : "malformed",
  };
}

/** CFG-70. */
function hostNqn(source: SysSource): Mandatory {
  const found = source.find("nqn");
  const { text, origin } = found;
  const remedy = 'create one with "stasadm hostnqn -f /etc/nvme/hostnqn"';
  if (text === undefined) return failed(found, `the host has no NQN: ${found.problem}; ${remedy}`);
  if (!text.startsWith("nqn.")) {
    return failed(found, `host NQN ${shown(text)} does not start with "nqn."; correct it, or ${remedy}`);
  }
  const problem = nqnLengthProblem(text) ?? strangeNqn(text);
  if (nqnBytes(text) > MAX_NQN) {
    return failed(found, `host NQN ${shown(text)} ${problem}; correct it, or ${remedy}`);
  }
  if (problem !== undefined) {
    source.say("identity", found, `host NQN ${shown(text)} ${problem}; connecting will fail`);
  }
  return { value: text, origin };
}

/** Host NQNs that are possible but unwise. */
function strangeNqn(nqn: string): string | undefined {
  if (nqn === WELL_KNOWN_DISC_NQN) return "is that of discovery controllers, not of a host";
  if (/\s/.test(nqn)) return "contains a space (a comment needs a line of its own)";
  if (nqn.includes(",") || hasControl(nqn)) return "contains a comma or a control character";
  return isUuidNqn(nqn) ? zeroOrOnes(nqn.slice(UUID_NQN_PREFIX.length)) : undefined;
}

/** CFG-71. */
function hostId(source: SysSource): Mandatory {
  const found = source.find("id");
  const { text, origin } = found;
  const remedy = 'create one with "stasadm hostid -f /etc/nvme/hostid"';
  if (text === undefined) return failed(found, `the host has no ID: ${found.problem}; ${remedy}`);
  const zero = zeroOrOnes(text);
  if (zero !== undefined) {
    source.say("identity", found, `host ID ${shown(text)} ${zero}; storage may refuse it; ${remedy}`);
  } else if (!isUuid(text)) {
    source.say(
      "identity",
      found,
      `host ID ${shown(text)} is not a UUID; connecting and registering will fail; ${remedy}`,
    );
  }
  return { value: text, origin };
}

/** CFG-72. The text of the key never goes into a finding. */
function hostKey(source: SysSource): Value<Secret | undefined> {
  const found = source.find("key");
  // Set in sys.conf, or in a default file that is unreadable; an empty default file counts as no key.
  const isAsked = found.origin.kind === "file" || found.isUnreadable;
  if (found.text === undefined && isAsked) {
    source.noKey(found);
    return defaulted(undefined);
  }
  if (found.text === undefined || found.text === "") {
    if (found.unexpected || found.origin.kind === "file") {
      source.say(
        "unusual",
        found,
        `the host has no key: ${found.problem || "it is empty"}; connecting without`,
      );
    }
    return defaulted(undefined);
  }
  const problem = keyProblem(found.text);
  if (problem !== undefined) {
    source.say("impossible", found, `the host's key ${problem}; connecting with it will fail`);
  }
  if (found.isPublic) source.say("key-file", found, mayBeRead(found.path));
  return { value: new Secret(found.text), origin: found.origin };
}

/** CFG-73. */
function symbolicName(source: SysSource): Value<string> {
  const found = source.find("symname");
  if (found.text !== undefined) {
    const bytes = nqnBytes(found.text);
    if (bytes > MAX_SYMNAME) {
      source.say(
        "identity",
        found,
        `the symbolic name has ${bytes} bytes, but only ${MAX_SYMNAME} fit: it is cut`,
      );
    }
    return { value: found.text, origin: found.origin };
  }
  if (found.origin.kind === "file") {
    source.say("identity", found, `there is no symbolic name: ${found.problem}`);
  }
  return defaulted("");
}
