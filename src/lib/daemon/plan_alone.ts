/**
 * `plan` while the daemon does not run: the effects of a start with a configuration. The core answers, as in
 * the daemon; its queries are carried out, its changes are not.
 */
import type { ReadFile } from "../config/sys_conf.ts";
import { parseStacdConf } from "../config/stacd_conf.ts";
import { parseStafdConf } from "../config/stafd_conf.ts";
import { stacdAtStart, stafdAtStart } from "../core/saved/clock_set.ts";
import { restoredStacd } from "../core/saved/stacd_saved.ts";
import type { Event, StacdEffect, StafdEffect } from "../core/effects.ts";
import { restoredStafd } from "../core/saved/stafd_saved.ts";
import type { HostConf } from "../core/request/host.ts";
import { idleLines } from "../core/advice/idle_lines.ts";
import type { V1Plan } from "../dbus/v1_types.ts";
import type { InterfaceTable } from "../nvme/kernel_ctrl.ts";
import type { Nbft } from "../nvme/nbft.ts";
import type { Transport } from "../nvme/tid.ts";
import type { TlsHost } from "../nvme/tls_host.ts";
import { after, type Duration, type Now, seconds } from "../base/time.ts";
import type { Clock, Exclusions, Kernel, Resolver } from "../ports.ts";
import { nbftEvent } from "./boot_tables.ts";
import { ClockWatch } from "./clock_watch.ts";
import { loadHost, SYS_CONF } from "./conf_files.ts";
import { stacdCore } from "./stacd_service.ts";
import { stafdCore } from "./stafd_service.ts";
import type { Core } from "./shell.ts";
import { planOf } from "./views/v1_plan.ts";
import { stacdView } from "../core/stacd/stacd_rules.ts";
import { stacdUnknowns } from "../core/stacd/stacd_questions.ts";
import { stafdView } from "../core/stafd/stafd_rules.ts";

/** The part of a machine that only reads. */
export interface PlanMachine {
  readonly clock: Clock;
  readonly kernel: Pick<Kernel, "scan">;
  readonly resolver: Resolver;
  readonly exclusions: Exclusions;
  readonly transports: () => ReadonlySet<Transport>;
  readonly tls: () => TlsHost;
  readonly nbft: () => readonly { readonly file: string; readonly nbft: Nbft }[];
  readonly interfaces: () => InterfaceTable;
  readonly readFile: ReadFile;
  /** The state that the daemon saved when it ended; undefined when there is none, or it may not be read. */
  readonly saved: () => unknown;
}

/** Names that are not resolved by this time, and a kernel that has not answered, count as unknown. */
const PATIENCE: Duration = seconds(10);

/** JSON of {@link V1Plan}. `text` is that of a configuration file. */
export async function planAlone(
  daemon: "stafd" | "stacd",
  text: string,
  machine: PlanMachine,
): Promise<string> {
  const head = { schema: 1, daemon, at: machine.clock.now().wall } as const;
  const refused = (findings: V1Plan["findings"]): V1Plan => ({
    ...head,
    valid: false,
    findings,
    changes: [],
    held: [],
    unchanged: 0,
    unknowns: [],
  });
  const host = loadHost(SYS_CONF, machine.readFile);
  if (!host.ok) return JSON.stringify(refused(host.findings));
  const answer = daemon === "stafd"
    ? await ofStafd(text, host.value, machine)
    : await ofStacd(text, host.value, machine);
  return JSON.stringify("refused" in answer ? refused(answer.refused) : { ...head, valid: true, ...answer });
}

type PlanAnswer =
  | { readonly refused: V1Plan["findings"] }
  | Pick<V1Plan, "findings" | "changes" | "held" | "unchanged" | "unknowns" | "notes">;

async function ofStacd(text: string, host: HostConf, machine: PlanMachine): Promise<PlanAnswer> {
  const parsed = parseStacdConf(text, "", machine.readFile);
  if (!parsed.ok) return { refused: parsed.findings };
  const before = stacdAtStart(restoredStacd(machine.saved()), new ClockWatch(machine.clock).clocks);
  const state = await settled(
    stacdCore,
    before,
    [...begun(host, machine), { type: "config", conf: parsed.conf, reload: false }],
    machine,
  );
  const now = machine.clock.now();
  const view = stacdView(state, now);
  return {
    findings: parsed.findings,
    ...planOf(view, stacdView(before, now), now),
    unknowns: [
      "stacd is not running: this is what its start would do with the kernel's present connections",
      ...notLooked(state.fleet.fresh),
      ...stacdUnknowns(view),
      "when stafd and stacd run, controllers on log pages are connected, too",
    ],
    ...notes(idleLines(state, view.state.fleet, (ctl) => view.rules.verdict(view, ctl))),
  };
}

async function ofStafd(text: string, host: HostConf, machine: PlanMachine): Promise<PlanAnswer> {
  const parsed = parseStafdConf(text, "", machine.readFile);
  if (!parsed.ok) return { refused: parsed.findings };
  const before = stafdAtStart(restoredStafd(machine.saved()), new ClockWatch(machine.clock).clocks);
  const state = await settled(
    stafdCore,
    before,
    [...begun(host, machine), { type: "config", conf: parsed.conf, reload: false }],
    machine,
  );
  const now: Now = machine.clock.now();
  const view = stafdView(state, now);
  return {
    findings: parsed.findings,
    ...planOf(view, stafdView(before, now), now),
    unknowns: [
      "stafd is not running: this is what its start would do with the kernel's present connections",
      ...notLooked(state.fleet.fresh),
      ...(parsed.conf.zeroconf.value
        ? ["zeroconf is on: each discovery controller that mDNS announces is connected, too"]
        : []),
      "when stacd runs, it connects the controllers that the discovery controllers list",
    ],
    ...notes(idleLines(state, view.state.fleet, (ctl) => view.rules.verdict(view, ctl))),
  };
}

const notes = (lines: readonly string[]): Pick<V1Plan, "notes"> => lines.length === 0 ? {} : { notes: lines };

const notLooked = (fresh: boolean): readonly string[] =>
  fresh ? [] : ["the kernel's connections could not be read"];

/** The events that come before a daemon's configuration. */
const begun = (host: HostConf, machine: PlanMachine): readonly Event[] => [
  { type: "host", host },
  nbftEvent(machine.nbft(), machine.interfaces(), host.nqn, { write: () => undefined }),
  { type: "transports", transports: machine.transports() },
  { type: "tls-host", tls: machine.tls() },
  { type: "network", interfaces: machine.interfaces() },
];

/** The state after these events, and after the answers to all queries. */
function settled<State, E, F extends StacdEffect | StafdEffect>(
  core: Core<State, E | Event, F>,
  initial: State,
  events: readonly (E | Event)[],
  machine: PlanMachine,
): Promise<State> {
  return new Promise((resolve) => {
    let state = initial;
    let asked = 0;
    let isOver = false;
    const end = (): void => {
      if (isOver) return;
      isOver = true;
      cancel();
      resolve(state);
    };
    const cancel = machine.clock.wakeAt(after(machine.clock.now(), PATIENCE), end);
    const post = (event: E | Event): void => {
      if (isOver) return;
      const stepped = core.step(state, event, machine.clock.now());
      state = stepped.state;
      for (const effect of stepped.effects) {
        const isAsked = ask(effect, machine, (answer) => {
          asked--;
          post(answer);
          if (asked === 0) end();
        });
        if (isAsked) asked++;
      }
    };
    // Answers come later: none before all queries are made.
    machine.exclusions.read((exclusions) => {
      post({ type: "exclusions", exclusions });
      for (const event of events) post(event);
      if (asked === 0) end();
    });
  });
}

/** Queries are carried out; changes, and effects of time alone, are not. */
function ask(
  effect: StacdEffect | StafdEffect,
  { kernel, resolver }: PlanMachine,
  answer: (event: Event) => void,
): boolean {
  switch (effect.do) {
    case "scan":
      kernel.scan((outcome) => answer({ type: "scanned", op: effect.op, outcome }));
      return true;
    case "resolve":
      resolver.resolve(
        effect.host,
        (outcome) => answer({ type: "resolved", op: effect.op, host: effect.host, outcome }),
      );
      return true;
    default:
      return false;
  }
}
