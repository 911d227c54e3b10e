/** The host NQN of this system as the daemons see it (requirements 10), for `dlp` and `doctor`. */
import type { Finding } from "../lib/config/finding.ts";
import { type FileText, type Mandatory, type ReadFolder, readSysConf } from "../lib/config/sys_conf.ts";

/** Reads a text file; errors are data. */
export function readFileText(path: string): FileText {
  try {
    const { mode } = Deno.statSync(path);
    return { ok: true, text: Deno.readTextFileSync(path), ...(mode === null ? {} : { mode }) };
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) {
      return { ok: false, why: "missing", message: `${path} does not exist` };
    }
    if (error instanceof Deno.errors.PermissionDenied) {
      return { ok: false, why: "unreadable", message: `${path} may not be read: permission denied` };
    }
    return { ok: false, why: "unreadable", message: `${path} cannot be read: ${wordsOf(error)}` };
  }
}

/** The names in a folder; a missing folder has none. */
export function readFolder(path: string): ReturnType<ReadFolder> {
  try {
    return { ok: true, names: [...Deno.readDirSync(path)].map(({ name }) => name) };
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) {
      return { ok: true, names: [] };
    }
    return { ok: false, message: `${path} cannot be read: ${wordsOf(error)}` };
  }
}

/** The message of a file operation's exception, without the class name. */
export function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message.replace(/^\w+ \(os error \d+\): /, "") : String(error);
}

export type HostIdentity =
  | {
    readonly ok: true;
    readonly nqn: Mandatory;
    readonly id: Mandatory;
    readonly findings: readonly Finding[];
  }
  | { readonly ok: false; readonly findings: readonly Finding[] };

/** Reads sys.conf of a configuration folder, and the files that it names. */
export function readHostIdentity(confDir: string): HostIdentity {
  const file = `${confDir}/sys.conf`;
  const text = readFileText(file);
  if (!text.ok && text.why === "unreadable") {
    return {
      ok: false,
      findings: [{ severity: "error", file, line: 0, column: 0, message: text.message }],
    };
  }
  const parsed = readSysConf(text.ok ? text.text : undefined, file, readFileText);
  if (!parsed.ok) return parsed;
  const { nqn, id, findings } = parsed.parts;
  return { ok: true, nqn, id, findings };
}
