/** stasadm: makes this host's NQN and ID, and keeps them in sys.conf (requirements 60). */
import { Command, type CommandUnknownOpts, Option } from "@commander-js/extra-typings";
import { createHmac, randomBytes } from "node:crypto";
import { resolve } from "node:path";
import { findingText } from "../lib/config/finding.ts";
import type { SysOption } from "../lib/config/sys_conf.ts";
import { clearSysOption, type Edited, setSysOption } from "../lib/config/sys_conf_edit.ts";
import { MAX_SYMNAME } from "../lib/nvme/dim.ts";
import { deriveHostNqn, nqnBytes, uuidFromMachineId } from "../lib/nvme/host_nqn.ts";
import { runtimeLine, VERSION } from "../lib/base/version.ts";
import { addCompletionCommand } from "./completion_command.ts";
import { replaceFile } from "./atomic_file.ts";
import { FAILED, OK, runCommandLine } from "./command_line.ts";
import { whyHidden } from "./hidden_folders.ts";
import { readFileText } from "./host_identity.ts";
import { importConf } from "./import_command.ts";
import { migrate } from "./migrate_command.ts";
import { realWorld, type World } from "./world.ts";

/** The sources of the host's identity; tests supply their own. */
export interface IdentitySources {
  readonly machineId: string;
  readonly productUuid: string;
  readonly partitionUuid: string;
  readonly root: boolean;
}

const REAL: IdentitySources = {
  machineId: "/etc/machine-id",
  productUuid: "/sys/class/dmi/id/product_uuid",
  partitionUuid: "/proc/device-tree/ibm,partition-uuid",
  root: Deno.uid() === 0,
};

/** The result is the exit status. */
export async function main(
  args: readonly string[],
  world: World = realWorld(),
  machine: IdentitySources = REAL,
): Promise<number> {
  let exit = OK;
  const [first, ...rest] = args;
  // As the other tools have them.
  const written = first === "help" ? [...rest, "--help"] : first === "-V" ? ["--version", ...rest] : args;
  const program = stasadm(world, machine, (status) => {
    exit = status;
  });
  return await runCommandLine(program, written, world, () => exit);
}

/** The definitions, from which help and completions come, too. */
export function stasadm(
  world: World,
  machine: IdentitySources,
  finish: (status: number) => void,
): CommandUnknownOpts {
  const program = new Command("stasadm")
    .description("Makes and stores the identity of this host")
    .version(`nvme-stas ${VERSION}\n${runtimeLine(Deno.version.deno)}`, "-v, --version", "print the version")
    .option("-c, --conf-file <file>", "sys.conf to change", `${world.confDir}/sys.conf`);
  const FILE = ["-f, --file <file>", "store the value in this file, and a reference in sys.conf"] as const;
  const save = (option: SysOption, value: string, file: string | undefined): void =>
    finish(store(world, program.opts().confFile, option, value, file));

  program.command("hostnqn")
    .description("make the host NQN and store it")
    .option(...FILE)
    .action(({ file }) => {
      const nqn = makeHostNqn(machine);
      if (nqn !== undefined) return save("nqn", nqn, file);
      world.err.write("stasadm: permission denied: this machine has no usable machine-id; use sudo\n");
      finish(FAILED);
    });
  program.command("hostid")
    .description("make a random host ID and store it")
    .option(...FILE)
    .action(({ file }) => save("id", crypto.randomUUID(), file));
  program.command("set-symname")
    .description("store a symbolic name of this host")
    .argument("<symname>", "the name")
    .option(...FILE)
    .action((symname, { file }) => {
      if (file !== undefined && /\s/.test(symname)) {
        // CFG-74
        world.err.write("stasadm: warning: only the first word of a name in a file counts; leave out -f\n");
      }
      const bytes = nqnBytes(symname);
      if (bytes > MAX_SYMNAME) {
        world.err.write(
          `stasadm: the name has ${bytes} bytes, but only ${MAX_SYMNAME} fit; use a shorter one\n`,
        );
        return finish(FAILED);
      }
      save("symname", symname, file);
    });
  program.command("clear-symname")
    .description("remove the symbolic name")
    .action(() =>
      finish(edit(world, program.opts().confFile, (text, conf) => clearSysOption(text, conf, "symname")))
    );
  program.command("import")
    .description("translate a file of nvme-cli or of nvme-stas 3 into the files of this version")
    .argument("<file>", "discovery.conf, config.json, nvme-stas.conf or a drop-in of it")
    .option("--write", "add the lines to stafd.conf, stacd.conf and sys.conf")
    .action((file, { write }) => finish(importConf(world, file, write === true)));
  program.command("migrate")
    .description("show the configuration in the files of nvme-stas 3, and what changes")
    .addOption(new Option("--to <version>", "the version").choices(["3"]).makeOptionMandatory())
    .option("--write <folder>", "write the files to this folder; those in force stay as they are")
    .action(({ write }) => finish(migrate(world, write)));
  addCompletionCommand(program, world);
  return program;
}

const textOf = (path: string): string | undefined => {
  const file = readFileText(path);
  return file.ok ? file.text : undefined;
};

/** CLI-60 to CLI-64; undefined when only root could get at a source (CLI-62). */
function makeHostNqn(machine: IdentitySources): string | undefined {
  const hmac = (key: Uint8Array, message: Uint8Array): Uint8Array =>
    createHmac("sha256", key).update(message).digest();
  const machineId = textOf(machine.machineId);
  if (!machine.root && uuidFromMachineId(machineId ?? "", hmac) === undefined) return undefined;
  return deriveHostNqn({
    machineId,
    productUuid: textOf(machine.productUuid),
    partitionUuid: textOf(machine.partitionUuid),
    random: randomBytes(16),
    hmac,
  });
}

/** CLI-65: the value itself, or a reference to the file that gets it. */
function store(
  world: World,
  conf: string,
  option: SysOption,
  value: string,
  file: string | undefined,
): number {
  if (file === undefined) return edit(world, conf, (text) => setSysOption(text, conf, option, value));
  const path = resolve(file);
  const hidden = whyHidden(world, conf, path);
  if (hidden !== undefined) {
    world.err.write(`stasadm: ${hidden}; use a file in /etc/nvme\n`);
    return FAILED;
  }
  return edit(
    world,
    conf,
    (text) => setSysOption(text, conf, option, `file://${path}`),
    () => replaceFile(path, `${value}\n`),
  );
}

/** Changes sys.conf; `before` runs once the change is known to be possible. */
function edit(
  world: World,
  conf: string,
  change: (text: string | undefined, conf: string) => Edited,
  before: () => ReturnType<typeof replaceFile> = () => ({ ok: true }),
): number {
  const fail = (...messages: readonly string[]): number => {
    for (const message of messages) world.err.write(`stasadm: ${message}\n`);
    return FAILED;
  };
  const old = readFileText(conf);
  if (!old.ok && old.why === "unreadable") return fail(old.message);
  const edited = change(old.ok ? old.text : undefined, conf);
  if (!edited.ok) {
    return edited.why === "value" ? fail(edited.message) : fail(...edited.findings.map(findingText));
  }
  const first = before();
  if (!first.ok) return fail(first.message);
  if (edited.text === (old.ok ? old.text : "")) return OK;
  const written = replaceFile(conf, edited.text);
  return written.ok ? OK : fail(written.message);
}
