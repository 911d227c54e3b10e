/**
 * `report`: one file for a bug report, with everything that the daemons and this host can tell about a problem, and no
 * secret. Root only. It changes nothing.
 */
import { MASK, namesSecret, redacted } from "../lib/config/redact.ts";
import { Bus } from "../lib/dbus/bus.ts";
import { DaemonClient, type Result } from "../lib/dbus/client.ts";
import { STAC, STAF } from "../lib/dbus/interfaces.ts";
import { isRecord } from "../lib/dbus/json_reader.ts";
import { isoTime } from "../lib/base/time.ts";
import { runtimeLine, VERSION } from "../lib/base/version.ts";
import { OK } from "./command_line.ts";
import { busFailure, callFailure } from "./failure_text.ts";
import { readFileText, wordsOf } from "./host_identity.ts";
import { Pseudonyms } from "./pseudonyms.ts";
import { configuration, controllersInSysfs, hostFacts, journalOf, ownDiagnosis } from "./report_parts.ts";
import { fail, type Job } from "./session.ts";

/** Of the file; `deno task replay` reads it. */
const SCHEMA = 1;

const CONTENTS =
  "A report of nvme-stas. It has no keys: in place of each is *****. It has names: of this host, of arrays " +
  "and their addresses; with --pseudonyms, other names stand for them. Replay the recordings: deno task replay FILE.";

const STDOUT = "-";

export interface ReportOptions {
  /** Other names in place of those of hosts, arrays and addresses. */
  readonly pseudonyms: boolean;
  /** Undefined: a name with the time, in the current folder; `-` is standard output. */
  readonly file: string | undefined;
}

export async function report(job: Job, { file, pseudonyms }: ReportOptions): Promise<number> {
  const { world, tool } = job;
  if (world.uid !== 0) return fail(job, "only root may make a report: use sudo");
  const at = world.now();
  const path = file ?? `nvme-stas-report-${isoTime(at).replaceAll(":", "")}.json`;
  const connected = await Bus.connect(world.bus);
  const problems: string[] = connected.ok ? [] : [busFailure(connected.error)];
  const bus = connected.ok ? connected.bus : undefined;
  try {
    const daemons: Record<string, unknown> = {};
    for (const [daemon, service] of [["stafd", STAF], ["stacd", STAC]] as const) {
      const client = bus && new DaemonClient(bus, service);
      const part = client === undefined ? { problem: problems.join() } : await daemonPart(daemon, client);
      daemons[daemon] = part;
      if (client !== undefined && typeof part["problem"] === "string") problems.push(part["problem"]);
    }
    const whole = {
      report: "nvme-stas",
      schema: SCHEMA,
      contents: CONTENTS,
      pseudonyms,
      at: isoTime(at),
      tool: { name: tool.name, version: VERSION, runtime: runtimeLine(Deno.version.deno) },
      host: await hostFacts(world),
      doctor: await ownDiagnosis(job),
      configuration: await configuration(job),
      controllers: controllersInSysfs(world),
      journal: await journalOf(world),
      daemons,
    };
    const named = pseudonyms ? await underPseudonyms(job, whole, daemons) : whole;
    const text = reportText(named);
    if (path === STDOUT) world.out.write(text);
    else {
      const problem = writeNew(path, text);
      if (problem !== undefined) return fail(job, problem);
    }
  } finally {
    bus?.close();
  }
  for (const problem of problems) world.err.write(`${tool.name}: not in the report: ${problem}\n`);
  if (path !== STDOUT) world.out.write(`${path}\n`);
  return OK;
}

async function daemonPart(daemon: "stafd" | "stacd", client: DaemonClient): Promise<Record<string, unknown>> {
  const told = await client.report();
  const state = await client.state();
  const health = await client.health();
  const value = (result: Result<unknown>): unknown =>
    result.ok ? result.value : { problem: callFailure(daemon, "tell it", result.error) };
  const views = { state: value(state), health: value(health) };
  if (!told.ok) return { problem: callFailure(daemon, "make a report", told.error), ...views };
  return { ...(isRecord(told.value) ? told.value : {}), ...views };
}

/** With what a replay needs of the spelling of the real names. */
async function underPseudonyms(
  { world }: Job,
  whole: object,
  daemons: Record<string, unknown>,
): Promise<unknown> {
  for (const [daemon, part] of Object.entries(daemons)) {
    if (!isRecord(part) || part["recording"] === undefined) continue;
    const names = await world.recordedNames?.(part["recording"]);
    daemons[daemon] = { ...part, names: names ?? null };
  }
  const names = new Pseudonyms(() => (crypto.getRandomValues(new Uint32Array(1))[0] ?? 0) / 2 ** 32);
  const hostname = readFileText(`${world.root}/proc/sys/kernel/hostname`);
  if (hostname.ok) names.name(hostname.text);
  names.learn(whole);
  return names.value(whole);
}

/** As JSON for people, but for the data of the recordings, which take one line each. */
function reportText(whole: unknown): string {
  const data: string[] = [];
  // No text from outside can be equal to it.
  const mark = crypto.randomUUID();
  const place = (n: number): string => `${mark} ${n}`;
  const text = JSON.stringify(
    masked(whole),
    (name, value: unknown) => {
      if (
        (name !== "data" && name !== "places" && name !== "spreads" && name !== "order") ||
        !Array.isArray(value)
      ) {
        return value;
      }
      data.push(JSON.stringify(value));
      return place(data.length - 1);
    },
    2,
  );
  return data.reduce((so, one, n) => so.replace(JSON.stringify(place(n)), () => one), text) + "\n";
}

/** The daemons mask what is a secret; this is for texts of others, as log lines and sysfs. */
function masked(value: unknown, name = ""): unknown {
  if (typeof value === "string") {
    const isNamed = namesSecret(name) && value !== "";
    return isNamed && !/^(?:yes|no|none|true|false)$/.test(value) ? MASK : redacted(value);
  }
  if (Array.isArray(value)) return value.map((one) => masked(one));
  if (!isRecord(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [redacted(key), masked(one, key)]));
}

/** Never over an existing file, nor through a link. The result is why it could not be written. */
function writeNew(path: string, text: string): string | undefined {
  let file: Deno.FsFile;
  try {
    file = Deno.openSync(path, { write: true, createNew: true, mode: 0o600 });
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    if (error instanceof Deno.errors.AlreadyExists) return `${path} exists: choose another file with -o`;
    return `cannot write ${path}: ${wordsOf(error)}; choose another file with -o`;
  }
  try {
    let bytes = new TextEncoder().encode(text);
    while (bytes.length > 0) bytes = bytes.subarray(file.writeSync(bytes));
    return undefined;
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    Deno.removeSync(path);
    return `cannot write ${path}: ${wordsOf(error)}; choose another file with -o`;
  } finally {
    file.close();
  }
}
