/** A connectivity file of nvme-stas 3 with its drop-ins, `FILE.d/*.conf` in the order of their names. */
import type { Finding } from "./finding.ts";
import { type NextConf, nextConf } from "./next_conf.ts";
import { parseNextFile } from "./next_file.ts";
import type { ReadFile, ReadFolder, Unusable } from "./sys_conf.ts";

export type ReadNext =
  /** `isMissing`: neither the file nor a drop-in exists. */
  | { readonly ok: true; readonly conf: NextConf; readonly isMissing: boolean }
  | { readonly ok: false; readonly why: Unusable; readonly findings: readonly Finding[] };

/** More files than a person would write by hand (S6). */
const MAX_DROP_INS = 256;

export function readNextFiles(file: string, read: ReadFile, readFolder: ReadFolder): ReadNext {
  const fail = (at: string, message: string, why: Unusable): ReadNext => ({
    ok: false,
    why,
    findings: [{ severity: "error", file: at, line: 0, column: 0, message }],
  });
  const folder = readFolder(`${file}.d`);
  if (!folder.ok) return fail(`${file}.d`, folder.message, "absent");
  const names = dropInNames(folder.names);
  if (names.length > MAX_DROP_INS) {
    return fail(`${file}.d`, `more than ${MAX_DROP_INS} files; none is used`, "malformed");
  }
  const texts: (readonly [file: string, text: string])[] = [];
  let isMissing = names.length === 0;
  for (const path of [file, ...names.map((name) => `${file}.d/${name}`)]) {
    const found = read(path);
    if (!found.ok && found.why === "unreadable") return fail(path, found.message, "absent");
    if (path === file && found.ok) isMissing = false;
    // Without a main file the drop-ins still count; a file that was removed meanwhile counts as absent.
    if (path === file || found.ok) texts.push([path, found.ok ? found.text : ""]);
  }
  const [main, ...dropIns] = texts.map(([path, text]) => parseNextFile(text, path));
  if (main === undefined) return fail(file, "cannot be read", "absent");
  const conf = nextConf(main, dropIns);
  return conf.isRejected
    ? { ok: false, why: "malformed", findings: conf.findings }
    : { ok: true, conf, isMissing };
}

/** The names in a folder that count as drop-ins, in their order. */
export const dropInNames = (names: readonly string[]): readonly string[] =>
  names.filter((name) => name.endsWith(".conf") && !name.startsWith(".")).toSorted();
