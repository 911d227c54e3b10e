/**
 * Invalid security options outside `controller=` entries: a mistyped name in `[Global]`, or a known one in
 * another section. They would have applied to every connection (S15).
 */
import type { Position } from "./finding.ts";
import type { Ini, IniEntry } from "./ini.ts";
import { CONTROLLERS, GLOBAL, KNOWN_OPTIONS, LEGACY_OPTIONS } from "./known_options.ts";
import { redacted, shown, visible } from "./redact.ts";
import { namesSecurity, securityMeant, type SecurityOption, securityWithin } from "./security_names.ts";

/** A connection may be made if its own line sets the option; no other one may. */
export interface UnreadSecurity {
  readonly option: SecurityOption;
  /** The message, with place, value and remedy. */
  readonly why: string;
}

export interface FileSecurity {
  readonly entry: IniEntry | undefined;
  readonly at: Position;
  readonly option: SecurityOption;
  readonly what: string;
}

/** The security options of `[Global]`; keys for authentication belong in the lines. */
const IN_GLOBAL: readonly SecurityOption[] = ["tls", "concat", "keyring", "tls-key"];

const isGlobalSecurity = (option: SecurityOption): boolean => IN_GLOBAL.includes(option);

export function fileSecurity(ini: Ini): readonly FileSecurity[] {
  const found: FileSecurity[] = [];
  for (const entry of ini.entries) {
    const one = ofEntry(entry);
    if (one !== undefined) found.push({ entry, ...one });
  }
  ini.lines.forEach(({ kind, text }, index) => {
    const after = kind === "section" ? text.slice(text.lastIndexOf("]") + 1) : "";
    const option = securityWithin(` ${after}`);
    if (option === undefined) return;
    found.push({
      entry: undefined,
      at: { line: index + 1, column: text.lastIndexOf("]") + 2 },
      option,
      what: `text after a section's name is ignored, but this one asks for ${option}; ${remedy(option)}`,
    });
  });
  return found;
}

const isComment = /(?:^|\s)[#;].*$/;

function ofEntry(entry: IniEntry): Omit<FileSecurity, "entry"> | undefined {
  const { section, option, value = "", line, column, valueColumn, continuation } = entry;
  const isController = option === "controller" || option === "exclude" || option === "blacklist";
  if (isController && section === CONTROLLERS) return undefined;
  if (continuation) {
    const [name = ""] = value.split("=", 1);
    const meant = securityMeant(name.trim());
    if (meant === undefined) return undefined;
    const what = `this indented line is read as a value of ${shown(option)}, and it asks for ${meant}`;
    return { at: { line, column: valueColumn }, option: meant, what: `${what}; ${remedy(meant)}` };
  }
  const isKnown = [...KNOWN_OPTIONS, ...LEGACY_OPTIONS].some((o) =>
    o.section === section && o.option === option
  );
  if (isKnown) {
    // A value that contains another option: `kato = 30 tls=true`.
    const meant = namesSecurity(option) ? undefined : securityWithin(value.replace(isComment, ""));
    if (meant === undefined) return undefined;
    const what = `the value of ${option} asks for ${meant}, which must be on a line of its own`;
    return { at: { line, column: valueColumn }, option: meant, what: `${what}; ${remedy(meant)}` };
  }
  const [first = ""] = option.split(/[:\s,]/, 1);
  const meant = securityMeant(option) ?? securityMeant(first);
  if (meant === undefined) return undefined;
  const name = shown(first === "" || securityMeant(first) === undefined ? option : first);
  const where = visible(redacted(`[${section}]`));
  const isMisplaced = namesSecurity(option) && section !== GLOBAL && isGlobalSecurity(meant);
  const what = isMisplaced
    ? `${name} is in ${where}, where it has no effect`
    : `${where} has no option ${name}${meant === option ? "" : `, which seems to mean ${meant}`}`;
  return { at: { line, column }, option: meant, what: `${what}; ${remedy(meant)}` };
}

function remedy(option: SecurityOption): string {
  if (!isGlobalSecurity(option)) {
    return `set ${option} in the controller= entries, or the host's key in sys.conf ([Host] key)`;
  }
  const value = option === "tls" || option === "concat" ? "true (or false)" : "...";
  return `write ${option} = ${value} in [${GLOBAL}]`;
}
