/** `stasadm import`: translates files of other programs and versions into ours. */
import { importFile } from "../lib/config/import_file.ts";
import { parseIni } from "../lib/config/ini.ts";
import { dropInNames } from "../lib/config/next_files.ts";
import { mayBeRead, othersMayRead } from "../lib/config/key_source.ts";
import { looksLikeSecret, redacted, visible } from "../lib/config/redact.ts";
import { replaceFile } from "./atomic_file.ts";
import { FAILED, OK } from "./command_line.ts";
import { readFileText, readFolder } from "./host_identity.ts";
import type { World } from "./world.ts";

interface Target {
  readonly file: string;
  /** The sections, in this order. */
  readonly sections: readonly { readonly name: string; readonly lines: readonly string[] }[];
}

/** Shows what would be written, and with `write` writes it. The result is the exit status. */
export function importConf(world: World, file: string, write: boolean): number {
  const fail = (message: string): number => {
    world.err.write(`stasadm: ${message}\n`);
    return FAILED;
  };
  const text = readFileText(file);
  if (!text.ok) return fail(text.message);
  const dropIns = dropInsOf(file);
  if (typeof dropIns === "string") return fail(dropIns);
  const found = importFile(text.text, file, dropIns);
  if (found === undefined) {
    return fail(
      `${file} is neither nvme-cli's discovery.conf or config.json nor a file of nvme-stas 3; "stafctl check ${file}" ` +
        "finds errors in a file of this version",
    );
  }
  const controllers = (lines: readonly string[]) => ({
    name: "Controllers",
    lines: lines.map((line) => `controller = ${line}`),
  });
  const targets: readonly Target[] = [
    {
      file: `${world.confDir}/stafd.conf`,
      sections: [{ name: "Global", lines: found.stafdGlobal }, controllers(found.stafd)],
    },
    {
      file: `${world.confDir}/stacd.conf`,
      sections: [{ name: "Global", lines: found.stacdGlobal }, controllers(found.stacd)],
    },
    { file: `${world.confDir}/sys.conf`, sections: [{ name: "Host", lines: found.host }] },
  ];
  world.out.write(
    `# ${visible(file)} is read as ${
      found.format === "nvme-stas 3" ? "a file of nvme-stas 3" : found.format
    }\n`,
  );
  for (const target of targets) {
    const old = readFileText(target.file);
    if (!old.ok && old.why === "unreadable") return fail(old.message);
    const before = old.ok ? old.text : "";
    const added = missingFrom(before, target, world);
    if (added === "") continue;
    world.out.write(`# ${write ? "added to" : "for"} ${target.file}:\n${visibleLines(added)}`);
    if (!write) continue;
    const gap = before === "" || before.endsWith("\n") ? "" : "\n";
    const hasKey = looksLikeSecret(added);
    const written = replaceFile(target.file, `${before}${gap}${added}`, hasKey ? 0o600 : 0o644);
    if (!written.ok) return fail(written.message);
    if (hasKey && old.ok && othersMayRead(old.mode)) {
      world.err.write(`stasadm: warning: ${mayBeRead(target.file)}\n`);
    }
  }
  for (const lost of found.lost) world.out.write(`# not carried over: ${visible(lost)}\n`);
  return OK;
}

/** The drop-ins of a file of nvme-stas 3; a text if they cannot be read. */
function dropInsOf(file: string): string | (readonly [file: string, text: string])[] {
  const folder = readFolder(`${file}.d`);
  if (!folder.ok) return folder.message;
  const found: (readonly [string, string])[] = [];
  for (const name of dropInNames(folder.names)) {
    const path = `${file}.d/${name}`;
    const text = readFileText(path);
    if (!text.ok) return text.message;
    found.push([path, text.text]);
  }
  return found;
}

/** Keys are not shown; they are written as they are. */
const visibleLines = (text: string): string =>
  text.split("\n").map((line) => visible(redacted(line))).join("\n");

/** The lines that the file does not have yet. An option that it has already keeps its value. */
function missingFrom(before: string, { sections }: Target, world: World): string {
  const { entries } = parseIni(before, "");
  return sections.map(({ name, lines }) => {
    const missing = lines.filter((line) => {
      const equals = line.indexOf("=");
      const [option, value] = [line.slice(0, equals).trim(), line.slice(equals + 1).trim()];
      const same = entries.filter((entry) => entry.section === name && entry.option === option);
      if (option === "controller") return !same.some((entry) => entry.value === value);
      const [first] = same;
      if (first !== undefined && first.value !== value) {
        world.out.write(
          `# not carried over: ${visible(redacted(line))} (line ${first.line} says otherwise)\n`,
        );
      }
      return first === undefined;
    });
    return missing.length === 0 ? "" : `[${name}]\n${missing.join("\n")}\n`;
  }).join("");
}
