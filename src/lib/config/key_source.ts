/** The key of a `controller=` entry: in the entry, or in a file of its own (`file:///path`). */
import { dhchapKeyProblem, isDhchapKey } from "../nvme/dhchap_key.ts";
import { MAKE_DHCHAP_KEY } from "../nvme/nvme_cli.ts";
import { redacted, visible } from "./redact.ts";
import type { ReadFile } from "./sys_conf.ts";

export type KeyText =
  | { readonly ok: true; readonly text: string; readonly warning?: string }
  /** No key: the entry asks for one and must not be connected without it (S15). */
  | { readonly ok: false; readonly why: string };

const SCHEME = "file://";

export const isReference = (value: string): boolean => value.startsWith(SCHEME);

/** Without `read` (a trial run that connects nothing) a reference stands for its key. */
export function keyText(value: string, read: ReadFile | undefined): KeyText {
  if (!isReference(value) || read === undefined) return { ok: true, text: value };
  const path = value.slice(SCHEME.length);
  const name = visible(redacted(path));
  if (!path.startsWith("/")) return { ok: false, why: `${name} is not an absolute path; write file:///PATH` };
  const file = read(path);
  if (!file.ok) {
    const why = file.why === "missing"
      ? "does not exist"
      : `cannot be read: ${visible(redacted(file.message))}`;
    return { ok: false, why: `the key file ${name} ${why}` };
  }
  const word = /\S+/.exec(/^[^\r\n]*/.exec(file.text)?.[0] ?? "")?.[0];
  if (word === undefined) return { ok: false, why: `the first line of the key file ${name} is empty` };
  const warning = othersMayRead(file.mode) ? mayBeRead(name) : undefined;
  return warning === undefined ? { ok: true, text: word } : { ok: true, text: word, warning };
}

export const othersMayRead = (mode: number | undefined): boolean =>
  mode !== undefined && (mode & 0o004) !== 0;

export const MAY_BE_READ = "every user of this host may read";

/** For display; `name` is the name of the file. */
export const mayBeRead = (name: string): string =>
  `${MAY_BE_READ} ${name}, which contains a key; chmod o-r ${name}`;

/** The error in a key, without any part of the key. */
export function keyProblem(text: string): string | undefined {
  if (!isDhchapKey(text)) return `is not of the form DHHC-1:..:...: (see ${MAKE_DHCHAP_KEY})`;
  return dhchapKeyProblem(text);
}
