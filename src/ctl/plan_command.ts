/** `plan`: what would be connected and disconnected, now or with another configuration file. Nothing is done. */
import { Bus } from "../lib/dbus/bus.ts";
import { DaemonClient } from "../lib/dbus/client.ts";
import { STAC } from "../lib/dbus/interfaces.ts";
import { parsePlan } from "../lib/dbus/v1_parse.ts";
import type { V1Plan } from "../lib/dbus/v1_types.ts";
import { FAILED, OK } from "./command_line.ts";
import { busFailure, callFailure } from "./failure_text.ts";
import { readFileText } from "./host_identity.ts";
import { printJson } from "./output_format.ts";
import { disconnected, effectsOf, listedOnlyBy, type RemovalPolicy, removalPolicy } from "./plan_effects.ts";
import { planText } from "./plan_text.ts";
import { fail, type Job } from "./session.ts";
import type { V1PlanEffects } from "./v1_outputs.ts";
import { change2, head2, plan2 } from "./v2.ts";

/** Exit status when something would change. */
const CHANGES = 2;

type Format = "table" | "json" | "jsonl";

/** `-` as a file's name, and the name that messages show for it. */
export const STDIN = { path: "/dev/stdin", name: "standard input" };

export async function plan(job: Job, format: Format, given: string | undefined): Promise<number> {
  const { world, tool } = job;
  const config = given === undefined
    ? { ok: true, text: "" } as const
    : readFileText(given === "-" ? STDIN.path : given);
  const file = given === "-" ? STDIN.name : given;
  if (!config.ok) return fail(job, config.message);
  // While files may still be read.
  const policy = removalPolicy(
    world,
    given !== undefined && tool.daemon === "stacd" ? config.text : undefined,
  );
  const connected = await Bus.connect(world.bus);
  const bus = connected.ok ? connected.bus : undefined;
  try {
    const isRunning = bus !== undefined && await hasOwner(bus, tool.service.name);
    if (!isRunning && world.planAlone !== undefined) {
      return await alone(
        job,
        format,
        file === undefined ? undefined : { file, text: config.text },
        bus,
        policy,
      );
    }
    if (!connected.ok) return fail(job, busFailure(connected.error));
    world.dropPermissions();
    const client = new DaemonClient(connected.bus, tool.service);
    // An empty text would ask for the configuration in force.
    const answer = await client.plan(file !== undefined && config.text === "" ? "\n" : config.text);
    if (!answer.ok) {
      const aid = file === undefined
        ? ""
        : `; errors in the file can be found without the daemon: ${tool.name} check ${file}`;
      return fail(job, callFailure(tool.daemon, "plan", answer.error) + aid);
    }
    return await show(job, format, named(answer.value, file), connected.bus, policy);
  } finally {
    bus?.close();
  }
}

async function hasOwner(bus: Bus, name: string): Promise<boolean> {
  const reply = await bus.callBus("NameHasOwner", "s", [name]);
  return reply.ok && reply.body[0] === true;
}

/** The daemon does not run: shows what its start would do. */
async function alone(
  job: Job,
  format: Format,
  given: { readonly file: string; readonly text: string } | undefined,
  bus: Bus | undefined,
  policy: RemovalPolicy | undefined,
): Promise<number> {
  const { world, tool } = job;
  const file = given?.file ?? `${world.confDir}/${tool.daemon}.conf`;
  const config = given === undefined ? readFileText(file) : { ok: true, text: given.text } as const;
  if (!config.ok && config.why === "unreadable") return fail(job, config.message);
  const answer = await world.planAlone?.(tool.daemon, config.ok ? config.text : "");
  world.dropPermissions();
  const parsed = parsePlan(answer ?? "");
  if (!parsed.ok) return fail(job, `the plan is invalid: ${parsed.message}`);
  return await show(job, format, named(parsed.value, file), bus, policy);
}

/** The daemon received only the text, so the tool inserts the file's name. */
function named(planned: V1Plan, file: string | undefined): V1Plan {
  if (file === undefined) return planned;
  const withName = (text: string): string => text.replace(/^(?=:\d+: )/, file);
  const { notes } = planned;
  return {
    ...planned,
    findings: planned.findings.map((finding) => finding.file === "" ? { ...finding, file } : finding),
    changes: planned.changes.map((change) => ({ ...change, reasons: change.reasons.map(withName) })),
    held: planned.held.map((held) => ({ ...held, reasons: held.reasons.map(withName) })),
    // A note may name a second line of the file.
    ...(notes === undefined ? {} : {
      notes: notes.map((note) => withName(note).replaceAll(/(?<=: )(?=:\d+: )/g, file)),
    }),
  };
}

async function show(
  job: Job,
  format: Format,
  planned: V1Plan,
  bus: Bus | undefined,
  policy: RemovalPolicy | undefined,
): Promise<number> {
  const whole = await withEffects(planned, bus, policy);
  if (format === "table") {
    job.world.out.write(
      planText(whole, job.style, job.world.out.isTerminal ? job.world.out.columns : Infinity),
    );
  } else {
    printJson(job, format, format === "json" ? whole : whole.changes, {
      whole: () => plan2(whole),
      lines: () =>
        whole.changes.map((change) => ({
          ...head2(whole.daemon, whole.at),
          output: "plan-line",
          change: change2(change),
        })),
    });
  }
  if (!whole.valid) return FAILED;
  return whole.changes.every(({ retry }) => retry === true) ? OK : CHANGES;
}

async function withEffects(
  planned: V1Plan,
  bus: Bus | undefined,
  policy: RemovalPolicy | undefined,
): Promise<V1PlanEffects> {
  const { daemon, changes, unknowns } = planned;
  const isTaken = changes.some(({ action }) => action === "disconnect" || action === "let-go");
  if (!isTaken) return planned;
  const stacd = bus === undefined ? undefined : await new DaemonClient(bus, STAC).state();
  if (stacd?.ok !== true) {
    return {
      ...planned,
      unknowns: [...unknowns, "stacd is not running, so the paths that it would disconnect are unknown"],
    };
  }
  const { controllers } = stacd.value;
  const going = daemon === "stafd" ? listedOnlyBy(changes, controllers) : disconnected(changes, controllers);
  return going.length === 0 ? planned : { ...planned, effects: effectsOf(going, stacd.value, policy) };
}
