/** What a report says of the host, apart from the daemons: read, never changed. */
import { STAC, STAF } from "../lib/dbus/interfaces.ts";
import { CTRL_ATTRIBUTES, MADE_ATTRIBUTES, sysfsText } from "../lib/nvme/sysfs_ctrl.ts";
import { seconds } from "../lib/base/time.ts";
import { namesSecret } from "../lib/config/redact.ts";
import { check } from "./check_command.ts";
import { doctor } from "./doctor_command.ts";
import { readFileText, readFolder } from "./host_identity.ts";
import type { Job, Tool } from "./session.ts";
import type { Sink, World } from "./world.ts";

/** The newest lines of the journal. */
const MAX_JOURNAL_LINES = 2000;
/** Controllers whose attributes are read. */
const MAX_CONTROLLERS = 4096;
const PATIENCE = seconds(30);

const STAFCTL: Tool = { name: "stafctl", daemon: "stafd", service: STAF };
const STACCTL: Tool = { name: "stacctl", daemon: "stacd", service: STAC };

/** Kernel, distribution and processor. */
export async function hostFacts(world: World): Promise<Readonly<Record<string, string>>> {
  const kernel = readFileText(`${world.root}/proc/sys/kernel/osrelease`);
  const release = readFileText(`${world.root}/etc/os-release`);
  const name = release.ok ? /^PRETTY_NAME="?([^"\n]*)"?$/m.exec(release.text)?.[1] : undefined;
  const cli = await world.run(["nvme", "version"], PATIENCE);
  return {
    kernel: kernel.ok ? kernel.text.trim() : "unknown",
    distribution: name ?? "unknown",
    processor: Deno.build.arch,
    nvme_cli: cli?.success === true ? cli.out.trim() : "not installed",
  };
}

/** A command's JSON of schema 2, with what it complains of. */
async function told(job: Job, tool: Tool, run: (job: Job) => Promise<number>): Promise<unknown> {
  let [text, complaints] = ["", ""];
  const sink = (take: (part: string) => void): Sink => ({
    write: (part) => {
      take(part);
      return true;
    },
    isTerminal: false,
    columns: 120,
  });
  const world: World = {
    ...job.world,
    out: sink((part) => text += part),
    err: sink((part) => complaints += part),
    // What is read afterwards needs them.
    dropPermissions: () => undefined,
  };
  await run({ ...job, tool, world, schema: 2 });
  if (text === "") return { problem: complaints.trim() };
  const value: unknown = JSON.parse(text);
  return value;
}

export const ownDiagnosis = (job: Job): Promise<unknown> => told(job, job.tool, (one) => doctor(one, "json"));

/** The files of both daemons with the origin of each value. */
export async function configuration(job: Job): Promise<Readonly<Record<string, unknown>>> {
  const of = (tool: Tool): Promise<unknown> =>
    told(
      job,
      tool,
      (one) => check(one, { format: "json", file: undefined, strict: false, connFile: undefined }),
    );
  return { stafd: await of(STAFCTL), stacd: await of(STACCTL) };
}

/** The attributes of fabrics controllers. Those of secrets only say whether there is one. */
export function controllersInSysfs({ root }: World): readonly Readonly<Record<string, string>>[] {
  const folder = `${root}/sys/class/nvme`;
  const names = readFolder(folder);
  if (!names.ok) return [];
  const found: Readonly<Record<string, string>>[] = [];
  const own = names.names.filter((name) => /^nvme\d+$/.test(name)).toSorted();
  for (const device of own.slice(0, MAX_CONTROLLERS)) {
    const transport = readFileText(`${folder}/${device}/transport`);
    if (!transport.ok || sysfsText(transport.text) === "pcie") continue;
    const attributes: Record<string, string> = { device };
    for (const name of [...CTRL_ATTRIBUTES, ...MADE_ATTRIBUTES]) {
      const text = readFileText(`${folder}/${device}/${name}`);
      if (!text.ok) continue;
      const value = sysfsText(text.text);
      attributes[name] = namesSecret(name) ? value === "" ? "no" : "yes" : value;
    }
    found.push(attributes);
  }
  return found;
}

/** The newest lines of both daemons, without the name of the host. */
export async function journalOf(world: World): Promise<readonly string[]> {
  const units = ["-u", "stafd", "-u", "stacd"];
  const form = ["-o", "short-iso-precise", "--no-hostname", "--no-pager", "-n", String(MAX_JOURNAL_LINES)];
  const ran = await world.run(["journalctl", ...units, ...form], PATIENCE);
  if (ran === undefined) {
    return ["journalctl is not installed, or did not answer: see the logs of the daemons"];
  }
  const lines = ran.out.split("\n").filter((line) => line !== "");
  return ran.success ? lines : [...lines, `journalctl: ${ran.err.trim()}`];
}
