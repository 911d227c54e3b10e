/** Replaces files so that a reader sees the old text or the new one, never a part (CLI-66). */
import { dirname, resolve } from "node:path";
import { wordsOf } from "./host_identity.ts";

/** The kernel's limit. */
const MAX_LINKS = 40;

export type Written = { readonly ok: true } | { readonly ok: false; readonly message: string };

/** Writes the text; an existing file keeps its mode and owner, a new one gets `mode`. A symbolic link is followed. */
export function replaceFile(path: string, text: string, mode = 0o644): Written {
  try {
    const old = statOf(path);
    if (old !== undefined && !old.isFile) {
      // A device or pipe cannot be replaced, only written to.
      Deno.writeTextFileSync(path, text, { create: false });
      return { ok: true };
    }
    const target = old === undefined ? linkTarget(path) : Deno.realPathSync(path);
    const draft = `${dirname(target)}/.${target.slice(target.lastIndexOf("/") + 1)}.${Deno.pid}`;
    writeDraft(draft, text, old, mode);
    try {
      Deno.renameSync(draft, target);
    } catch (error) {
      Deno.removeSync(draft);
      throw error;
    }
    return { ok: true };
  } catch (error) {
    return { ok: false, message: `cannot write ${path}: ${reason(path, error)}` };
  }
}

function writeDraft(draft: string, text: string, old: Deno.FileInfo | undefined, fresh: number): void {
  const mode = (old?.mode ?? fresh) & 0o7777;
  using file = Deno.openSync(draft, { write: true, createNew: true, mode: 0o600 });
  try {
    let bytes = new TextEncoder().encode(text);
    while (bytes.length > 0) bytes = bytes.subarray(file.writeSync(bytes));
    if (old !== undefined && (old.uid !== Deno.uid() || old.gid !== Deno.gid())) {
      Deno.chownSync(draft, old.uid, old.gid);
    }
    Deno.chmodSync(draft, mode);
    file.syncSync();
  } catch (error) {
    Deno.removeSync(draft);
    throw error;
  }
}

/** The target of a link whose file does not exist yet: the link stays a link. */
function linkTarget(path: string, depth = 0): string {
  const isLink = statOf(path, Deno.lstatSync)?.isSymlink === true;
  return isLink && depth < MAX_LINKS
    ? linkTarget(resolve(dirname(path), Deno.readLinkSync(path)), depth + 1)
    : path;
}

function statOf(path: string, stat = Deno.statSync): Deno.FileInfo | undefined {
  try {
    return stat(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

function reason(path: string, error: unknown): string {
  if (error instanceof Deno.errors.NotFound) {
    return `the folder ${dirname(path)} does not exist; make it: mkdir -p`;
  }
  if (error instanceof Deno.errors.PermissionDenied) return "permission denied; use sudo";
  if (error instanceof Deno.errors.AlreadyExists) return "another program is writing it";
  return wordsOf(error);
}
