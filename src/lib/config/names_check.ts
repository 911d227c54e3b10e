/**
 * Names that do not belong in a file: unknown ones, those of the other daemon, those of older versions
 * (CFG-15, CFG-16, CFG-20).
 */
import { isNextSection } from "./file_format.ts";
import type { FindingList } from "./finding.ts";
import type { Ini, IniEntry, IniSection } from "./ini.ts";
import { type Daemon, KNOWN_OPTIONS, LEGACY_OPTIONS } from "./known_options.ts";
import { nextName } from "./next_names.ts";
import { LINE_OPTIONS } from "../nvme/option_table.ts";
import { shown } from "./redact.ts";
import { didYouMean } from "./suggestion.ts";

/** A section of release candidates of 1.2. */
const OLD_SECTION = "I/O controller disconnect policy";

/** Skips entries that are reported elsewhere. */
export function checkNames(
  ini: Ini,
  daemon: Daemon,
  findings: FindingList,
  told: ReadonlySet<IniEntry | undefined>,
): void {
  const mine = new Set(KNOWN_OPTIONS.filter((o) => o.daemons.includes(daemon)).map((o) => o.section));
  const all = new Set(KNOWN_OPTIONS.map((o) => o.section));
  for (const section of ini.sections) {
    if (mine.has(section.name)) continue;
    if (isNextSection(section.name)) {
      const what = `section ${header(section)} is of nvme-stas 3`;
      findings.add(
        "misplaced",
        section,
        `${what}; the section is ignored: write its controllers as ` +
          "controller = transport=...;traddr=... in section [Controllers]",
      );
      continue;
    }
    const what = all.has(section.name)
      ? `section ${header(section)} is for ${other(daemon)}.conf, not for ${daemon}.conf`
      : `${daemon}.conf has no section ${header(section)}${
        section.name === "Host" ? " (it belongs in sys.conf)" : sectionHint(section.name, mine)
      }`;
    // A shipped file once had this section; if it is empty, nothing is lost.
    const isUnused = section.name === OLD_SECTION &&
      !ini.entries.some((entry) => entry.section === section.name);
    findings.add(isUnused ? "note" : "misplaced", section, `${what}; the section is ignored`);
  }
  for (const entry of ini.entries) {
    // A continuation repeats the name of an option already judged.
    if (mine.has(entry.section) && !entry.continuation && !told.has(entry)) {
      checkOption(entry, daemon, findings);
    } else if (!mine.has(entry.section) && nextName(entry.option)?.kind === "old-name") {
      // Counts in any section.
      checkOption(entry, daemon, findings);
    }
  }
}

function checkOption(entry: IniEntry, daemon: Daemon, findings: FindingList): void {
  const { section, option } = entry;
  const known = KNOWN_OPTIONS.find((o) => o.section === section && o.option === option);
  if (known?.daemons.includes(daemon) === true) return;
  const legacy = LEGACY_OPTIONS.find((o) =>
    o.section === section && o.option === option && o.daemons.includes(daemon)
  );
  if (legacy !== undefined) {
    findings.add(
      legacy.kind,
      entry,
      `${option} is a name of older versions; ${legacy.advice(entry.value ?? "")}`,
    );
    return;
  }
  if (known !== undefined) {
    // CFG-20: of these options, stafd uses the numbers of queues.
    const isUsed = daemon === "stafd" && option.startsWith("nr-");
    const used = isUsed
      ? "it is used nevertheless, without effect on discovery controllers"
      : "it is ignored";
    findings.add(
      isUsed ? "unusual" : "misplaced",
      entry,
      `${option} is an option of ${other(daemon)}.conf, not of ${daemon}.conf; ${used}`,
    );
    return;
  }
  const next = nextName(option);
  if (next !== undefined) {
    findings.add(next.kind, entry, `${option} is a name of nvme-stas 3; ${next.advice}`);
    return;
  }
  const { what, hint } = unknownOption(entry, daemon);
  findings.add(hint === "" ? "unknown" : "misplaced", entry, `${what}${hint}; it is ignored`);
}

function unknownOption(entry: IniEntry, daemon: Daemon): { readonly what: string; readonly hint: string } {
  const { section, option } = entry;
  if (option.startsWith("[")) {
    return { what: shown(option), hint: " is not a section line: it does not end in ']'" };
  }
  const what = `section [${section}] has no option ${shown(option)}`;
  const beforeColon = /^(.*?)\s*:/.exec(option)?.[1];
  if (KNOWN_OPTIONS.some((o) => o.option === beforeColon)) {
    return { what, hint: ` (write "${beforeColon} = ...", with '=' instead of ':')` };
  }
  const elsewhere = KNOWN_OPTIONS.find((o) => o.option === option && o.daemons.includes(daemon));
  if (elsewhere !== undefined) return { what, hint: ` (it belongs in section [${elsewhere.section}])` };
  const there = KNOWN_OPTIONS.find((o) => o.option === option);
  if (there !== undefined) {
    return { what, hint: ` (it belongs in ${other(daemon)}.conf, section [${there.section}])` };
  }
  const [first = ""] = option.split(/\s/, 1);
  const meant = first === option ? undefined : KNOWN_OPTIONS.find((o) => o.option === first);
  if (meant !== undefined) return { what, hint: ` (write "${first} = ...", with '=' after the name)` };
  if (isLineKey(option)) return { what, hint: " (it belongs in a controller entry)" };
  const here = KNOWN_OPTIONS.filter((o) => o.section === section && o.daemons.includes(daemon));
  return { what, hint: didYouMean(option, here.map((o) => o.option)) };
}

const isLineKey = (option: string): boolean =>
  option === "subsysnqn" || LINE_OPTIONS.some(({ name, security }) => name === option && security !== true);

const header = (section: IniSection): string => shown(`[${section.name}]`).slice(1, -1);

function sectionHint(name: string, mine: ReadonlySet<string>): string {
  return didYouMean(`[${name.trim()}]`, [...mine].map((s) => `[${s}]`));
}

const other = (daemon: Daemon): Daemon => daemon === "stafd" ? "stacd" : "stafd";
