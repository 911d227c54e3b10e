/** The answers that both daemons give on the bus, from the present state; a table has what differs. */
import { besideNext } from "../config/conn_conf.ts";
import type { DaemonConf, ParsedConf } from "../config/daemon_conf.ts";
import type { Event } from "../core/effects.ts";
import type { FleetState, View } from "../core/fleet/view.ts";
import type { Later, ReportHandlers, StacHandlers } from "../dbus/server.ts";
import type { Instant, Now } from "../base/time.ts";
import type { Clock } from "../ports.ts";
import type { HungCall } from "./bounded_ports.ts";
import type { DaemonFacts } from "./daemon_facts.ts";
import type { ReadDevice } from "./devices_now.ts";
import type { Core } from "./shell.ts";
import { v1Answers, type V1Parts } from "./v1_answers.ts";
import type { Peek } from "./views/classic.ts";
import type { ClassicAnswers } from "./views/classic_answers.ts";

/** The core of a daemon, as its shell sees it. */
export const coreOf = <State, E, Effect>(
  step: Core<State, E | Event, Effect>["step"],
  wakeAt: (state: State) => Instant | undefined,
): Core<State, E | Event, Effect> => ({
  step,
  wakeAt,
  tick: { type: "tick" },
  clockSet: (ms) => ({ type: "clock-set", ms }),
});

export interface ServiceParts<State> {
  readonly state: () => State;
  readonly clock: Clock;
  readonly read: ReadDevice;
  /** Calls that have not returned in their time. */
  readonly hung?: () => readonly HungCall[];
  readonly facts: DaemonFacts;
  readonly setTron: (on: boolean) => void;
}

interface Own<State, Conf, Answers>
  extends
    Pick<V1Parts, "daemon" | "accepts" | "controllers" | "others" | "unknowns" | "problems">,
    Partial<Pick<V1Parts, "storage" | "droppedAt">> {
  readonly parse: (text: string, file: string) => ParsedConf<Conf>;
  /** The state after a reload of this configuration. */
  readonly reloaded: (conf: Conf, now: Now) => State;
  readonly view: (state: State, now: Now) => View;
  readonly classic: (state: State, now: Now, peek: Peek) => Answers;
}

interface Served<Answers> {
  /** Answers without a look at the devices. */
  readonly unseen: () => Answers;
  /** An answer whose detailed form has the devices as they are now. */
  readonly looked: <T>(detailed: boolean, answer: (answers: Answers) => T) => Later<T>;
  readonly handlers: Omit<StacHandlers, keyof ReportHandlers>;
}

export function served<State extends FleetState, Conf extends DaemonConf, Answers extends ClassicAnswers>(
  parts: ServiceParts<State>,
  { parse, reloaded, view, classic, ...own }: Own<State, Conf, Answers>,
): Served<Answers> {
  const { state, clock, facts } = parts;
  const { fresh, ...answers } = v1Answers({
    ...parts,
    ...own,
    fleet: () => state().fleet,
    core: () => view(state(), clock.now()),
    tried: (text) => {
      const parsed = besideNext(parse(text, ""), facts.next, own.daemon);
      if (!parsed.ok) return parsed;
      // The same check as at a reload, which would reject the file.
      if (parsed.conf.unreadSecurity.length > 0) return { ok: false, findings: parsed.findings };
      const now = clock.now();
      return { ok: true, core: view(reloaded(parsed.conf, now), now), findings: parsed.findings };
    },
  });
  const seen = (peek: Peek): Answers => classic(state(), clock.now(), peek);
  const unseen = (): Answers => seen(() => undefined);
  const looked: Served<Answers>["looked"] = (detailed, answer) =>
    detailed ? fresh().then((peek) => answer(seen(peek))) : answer(unseen());
  return {
    unseen,
    looked,
    handlers: {
      ...answers,
      listControllers: (detailed) => looked(detailed, (one) => one.listControllers(detailed)),
      controllerInfo: (tid) => unseen().controllerInfo(tid),
      processInfo: () => unseen().processInfo(facts),
    },
  };
}
