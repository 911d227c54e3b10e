/** `doctor`: checks for problems that prevent connections, each finding with its remedy. */
import { Bus } from "../lib/dbus/bus.ts";
import { forNvmeCli } from "../lib/nvme/nvme_cli.ts";
import { DaemonClient } from "../lib/dbus/client.ts";
import { FAILED, OK } from "./command_line.ts";
import { bad, type Diagnosis, good, notice, type Patient, type Verdict, warning } from "./doctor_finding.ts";
import { examineHost } from "./doctor_host.ts";
import { examineKernel } from "./doctor_kernel.ts";
import { examineContainer } from "./doctor_container.ts";
import { examineLimits } from "./doctor_limits.ts";
import { examineNeighbours, installedNvmeCli } from "./doctor_neighbours.ts";
import { examineNetwork, processOf } from "./doctor_network.ts";
import { busRemedy, callFailure, callRemedy } from "./failure_text.ts";
import { printJson } from "./output_format.ts";
import { problemGroups } from "./problem_groups.ts";
import type { Job } from "./session.ts";
import type { Tone } from "./style.ts";
import { harmless, hung } from "./text_width.ts";
import { head2 } from "./v2.ts";
import { withLocalTimes } from "./when.ts";

/**
 * Exit status 1 when there is a warning or an error. Unlike other commands it keeps its permissions, because
 * it examines the system.
 */
export async function doctor(job: Job, format: "table" | "json"): Promise<number> {
  const { world, tool } = job;
  const connected = await Bus.connect(world.bus);
  const bus = connected.ok ? connected.bus : undefined;
  try {
    const first: Diagnosis[] = connected.ok ? [] : [bad(connected.error.message, busRemedy(connected.error))];
    const client = bus && new DaemonClient(bus, tool.service);
    const state = await client?.state();
    const daemon = bus && client && state ? await examineDaemon(job, bus, client, state) : [];
    const patient: Patient = {
      world,
      daemon: tool.daemon,
      bus,
      client,
      state: state?.ok === true ? state.value : undefined,
    };
    const nvmeCli = await installedNvmeCli(world);
    const named: readonly (readonly [string, readonly Diagnosis[]])[] = [
      [tool.daemon, [...first, ...daemon]],
      ["container", examineContainer(patient)],
      ["kernel", examineKernel(patient)],
      ["limits of this host", await examineLimits(patient)],
      ["host identity", examineHost(patient)],
      ["network", await examineNetwork(patient)],
      [
        "other programs",
        [
          ...(nvmeCli === undefined ? [] : [good(`nvme-cli ${nvmeCli} is installed`)]),
          ...examineNeighbours(patient),
        ],
      ],
    ];
    const areas = named.map(([area, all]) => [area, all.map((one) => withCommandsOf(one, nvmeCli))] as const);
    if (format === "json") {
      const found = areas.flatMap(([area, all]) => all.map((one) => ({ area, ...one })));
      printJson(job, "json", found, {
        whole: () => ({
          ...head2(tool.daemon, world.now()),
          output: "doctor",
          findings: found.map(({ area, verdict, text, remedy }) => ({ area, verdict, text, remedy })),
        }),
      });
    } else {
      const text = areas.map(([area, all]) => areaText(job, area, all)).join("");
      world.out.write(text + totals(areas.flatMap(([, all]) => all)));
    }
    const serious = areas.some(([, all]) =>
      all.some(({ verdict }) => verdict === "warning" || verdict === "error")
    );
    return serious ? FAILED : OK;
  } finally {
    bus?.close();
  }
}

/** Texts name the commands of the nvme-cli that is installed. */
const withCommandsOf = (one: Diagnosis, nvmeCli: string | undefined): Diagnosis => ({
  ...one,
  text: forNvmeCli(one.text, nvmeCli),
  remedy: one.remedy === null ? null : forNvmeCli(one.remedy, nvmeCli),
});

async function examineDaemon(
  { tool }: Job,
  bus: Bus,
  client: DaemonClient,
  state: Awaited<ReturnType<DaemonClient["state"]>>,
): Promise<readonly Diagnosis[]> {
  if (!state.ok) {
    const { error } = state;
    return [bad(callFailure(tool.daemon, "tell its state", error), callRemedy(tool.daemon, error))];
  }
  const pid = await processOf(bus, tool.service.name);
  const found = [
    good(`${tool.daemon} ${state.value.version} is running${pid === undefined ? "" : ` (process ${pid})`}`),
  ];
  const health = await client.health();
  if (!health.ok) {
    return [...found, warning(callFailure(tool.daemon, "tell its health", health.error), "try again")];
  }
  const { controllers, at } = state.value;
  const explain = `${tool.name} explain NAME`;
  const groups = problemGroups(health.value.problems, controllers, at);
  return [
    ...found,
    // Advice is no failure: a host with one interface has no second one to use.
    ...groups.map(({ text, remedy, isAdvice }) => {
      const words = withLocalTimes(text, at);
      return isAdvice ? notice(words, remedy) : warning(words, remedy ?? explain);
    }),
  ];
}

const TONES: Readonly<Record<Verdict, readonly [sign: string, tone: Tone]>> = {
  good: ["ok", "good"],
  notice: ["note", "busy"],
  warning: ["warning", "bad"],
  error: ["error", "bad"],
};

/** `2 errors, 1 warning, 1 note.` */
function totals(all: readonly Diagnosis[]): string {
  const count = (verdict: Verdict, word: string): readonly string[] => {
    const found = all.filter((one) => one.verdict === verdict).length;
    return found === 0 ? [] : [`${found} ${found === 1 ? word : `${word}s`}`];
  };
  const counts = [...count("error", "error"), ...count("warning", "warning"), ...count("notice", "note")];
  return `${counts.length === 0 ? "Nothing is wrong" : counts.join(", ")}.\n`;
}

/** Columns before a finding and before its remedy. */
const INDENT = 10;

function areaText({ style, world: { out } }: Job, area: string, all: readonly Diagnosis[]): string {
  const columns = out.isTerminal ? out.columns : Infinity;
  if (all.length === 0) return "";
  const lines = all.map(({ verdict, text, remedy }) => {
    const [sign, tone] = TONES[verdict];
    const lead = `${" ".repeat(INDENT)}${style.paint("faint", "remedy:")} `;
    const advice = remedy === null
      ? ""
      : hung({ lead, width: INDENT + 8, indent: INDENT + 8 }, harmless(remedy), columns);
    const finding = { lead: `  ${style.paint(tone, sign.padEnd(7))} `, width: INDENT, indent: INDENT };
    return hung(finding, harmless(text), columns) + advice;
  });
  return `${style.paint("strong", area)}\n${lines.join("")}`;
}
