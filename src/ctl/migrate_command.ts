/** `stasadm migrate`: the configuration in the files of nvme-stas 3, as a plan or written to a folder; ours stay as they are. */
import { resolve } from "node:path";
import { type Finding, findingText } from "../lib/config/finding.ts";
import { type HostParts, type Migration, migration } from "../lib/config/next_migrate.ts";
import { redacted, visible } from "../lib/config/redact.ts";
import { parseStacdConf } from "../lib/config/stacd_conf.ts";
import { parseStafdConf } from "../lib/config/stafd_conf.ts";
import { DEFAULT_FILES, type Mandatory, readSysConf } from "../lib/config/sys_conf.ts";
import type { Value } from "../lib/config/origin.ts";
import { FAILED, OK } from "./command_line.ts";
import { exists } from "./doctor_finding.ts";
import { readFileText, wordsOf } from "./host_identity.ts";
import type { World } from "./world.ts";

/** Where nvme-stas 3 looks for them. */
const FOLDER = "/etc/nvme";

/** The result is the exit status. */
export function migrate(world: World, folder: string | undefined): number {
  const fail = (...messages: readonly string[]): number => {
    for (const message of messages) world.err.write(`stasadm: ${visible(message)}\n`);
    return FAILED;
  };
  const read = readAll(world.confDir);
  if (!read.ok) return fail(...read.problems);
  const { migrated } = read;
  if (folder === undefined) {
    world.out.write(plan(migrated));
    return OK;
  }
  const written = writeAll(migrated, resolve(folder), resolve(world.confDir));
  if (!written.ok) return fail(written.message);
  world.out.write(`${changesText(migrated)}\n${written.files.map((file) => `written: ${file}\n`).join("")}`);
  return OK;
}

type Read =
  | { readonly ok: true; readonly migrated: Migration }
  | { readonly ok: false; readonly problems: readonly string[] };

function readAll(confDir: string): Read {
  const files = ["stafd.conf", "stacd.conf", "sys.conf"].map((name) => `${confDir}/${name}`);
  const texts = files.map(readFileText);
  const unreadable = texts.flatMap((text) =>
    !text.ok && text.why === "unreadable" ? [`${text.message}; use sudo`] : []
  );
  if (unreadable.length > 0) return { ok: false, problems: unreadable };
  const [stafdText, stacdText, sysText] = texts.map((text) => text.ok ? text.text : undefined);
  const [stafdFile = "", stacdFile = "", sysFile = ""] = files;
  const stafd = parseStafdConf(stafdText, stafdFile, readFileText);
  const stacd = parseStacdConf(stacdText, stacdFile, readFileText);
  const sys = readSysConf(sysText, sysFile, readFileText);
  if (!stafd.ok || !stacd.ok || !sys.ok) {
    const errors = [stafd, stacd, sys].flatMap((one): readonly Finding[] => one.ok ? [] : one.findings);
    return { ok: false, problems: errors.map(findingText) };
  }
  const { nqn, id, symname, key, keyProblem } = sys.parts;
  if (keyProblem !== undefined) return { ok: false, problems: [keyProblem] };
  const host: HostParts = { nqn: own(nqn, sysText), id: own(id, sysText), symname, key };
  return { ok: true, migrated: migration(stafd.conf, stacd.conf, host) };
}

/** Only what sys.conf itself says; a reference to the file that counts anyway says nothing. */
function own(part: Mandatory, sysText: string | undefined): Value<string> | undefined {
  if ("error" in part || part.origin.kind === "default") return undefined;
  const line = (sysText ?? "").split("\n")[part.origin.line - 1] ?? "";
  return Object.values(DEFAULT_FILES).some((file) => line.trimEnd().endsWith(`file://${file}`))
    ? undefined
    : part;
}

const KINDS = { renamed: "renamed", dropped: "DROPPED", differs: "DIFFERS" } as const;

function changesText({ changes }: Migration): string {
  const order = ["dropped", "differs", "renamed"] as const;
  return order.flatMap((kind) => changes.filter((one) => one.kind === kind)).map(({ kind, where, text }) => {
    const place = where === "" ? "" : `${where}: `;
    return `${KINDS[kind]}  ${visible(redacted(place + text))}\n`;
  }).join("");
}

/** Keys are not shown; what is written has them. */
function plan(migrated: Migration): string {
  const files = migrated.files.map(({ name, text }) => {
    const lines = text.trimEnd().split("\n").map((line) => `  ${visible(redacted(line))}`.trimEnd());
    return `${FOLDER}/${name}:\n${lines.join("\n")}\n`;
  });
  return `${changesText(migrated)}\n${files.join("\n")}`;
}

type WrittenAll =
  | { readonly ok: true; readonly files: readonly string[] }
  | { readonly ok: false; readonly message: string };

/** Into a folder for this: nothing that exists is written over, and the files in force are left alone. */
function writeAll({ files }: Migration, folder: string, confDir: string): WrittenAll {
  if (folder === confDir || folder.startsWith(`${confDir}/`)) {
    return { ok: false, message: `${folder} is the folder of the files in force; name another one` };
  }
  const taken = files.map(({ name }) => `${folder}/${name}`).find(exists);
  if (taken !== undefined) return { ok: false, message: `${taken} exists already; name an empty folder` };
  const written: string[] = [];
  for (const { name, text, hasKey } of files) {
    const path = `${folder}/${name}`;
    try {
      Deno.mkdirSync(path.slice(0, path.lastIndexOf("/")), { recursive: true, mode: 0o755 });
      const mode = hasKey ? 0o600 : 0o644;
      using file = Deno.openSync(path, { write: true, createNew: true, mode: 0o600 });
      let bytes = new TextEncoder().encode(text);
      while (bytes.length > 0) bytes = bytes.subarray(file.writeSync(bytes));
      Deno.chmodSync(path, mode);
    } catch (error) {
      return { ok: false, message: `${path} cannot be written: ${wordsOf(error)}` };
    }
    written.push(path);
  }
  return { ok: true, files: written };
}
