/** The versioned interface's answers, for both daemons. {@link V1Parts} supplies the parts that differ. */
import { renewText } from "../core/stacd/renew.ts";
import type { Finding } from "../config/finding.ts";
import type { Ctl } from "../core/controller/ctl.ts";
import type { Fleet } from "../core/fleet/fleet.ts";
import { idleLines } from "../core/advice/idle_lines.ts";
import type { StacHandlers } from "../dbus/server.ts";
import type { V1Controller, V1Health, V1Plan, V1State } from "../dbus/v1_types.ts";
import type { KernelCtrl } from "../nvme/kernel_ctrl.ts";
import type { StorageLook } from "../nvme/storage_look.ts";
import type { Clock } from "../ports.ts";
import type { HungCall } from "./bounded_ports.ts";
import { confOf, type DaemonFacts } from "./daemon_facts.ts";
import { lookUp, type ReadDevice } from "./devices_now.ts";
import type { Peek } from "./views/classic.ts";
import { explain } from "./views/v1_explain.ts";
import { HUNG_REMEDY, hungText, withHung } from "./views/v1_hung.ts";
import { healthOf, identityProblems, type Problem } from "./views/v1_health.ts";
import { heldInUse, planOf } from "./views/v1_plan.ts";
import { storageProblems, subsystemsOf, withAna } from "./views/v1_storage.ts";
import type { View } from "../core/fleet/view.ts";

/** The state that a new configuration would produce from the present one. */
export type Tried =
  | { readonly ok: true; readonly core: View; readonly findings: readonly Finding[] }
  | { readonly ok: false; readonly findings: readonly Finding[] };

export interface V1Parts {
  readonly daemon: "stafd" | "stacd";
  readonly clock: Clock;
  readonly read: ReadDevice;
  /** stacd's look at all subsystems; undefined when it failed. */
  readonly storage?: () => Promise<StorageLook | undefined>;
  /** stafd: when a controller is dropped that mDNS no longer announces. */
  readonly droppedAt?: (ctl: Ctl) => number | undefined;
  /** Calls that have not returned in their time. */
  readonly hung?: () => readonly HungCall[];
  readonly facts: DaemonFacts;
  readonly setTron: (on: boolean) => void;
  readonly fleet: () => Fleet;
  readonly core: () => View;
  readonly tried: (text: string) => Tried;
  readonly accepts: (device: KernelCtrl) => boolean;
  readonly controllers: (core: View, peek: Peek) => readonly V1Controller[];
  readonly others: () => Pick<V1State, "avahi" | "stafd" | "drains">;
  readonly unknowns: () => readonly string[];
  readonly problems: () => readonly Problem[];
}

const linksOf = ({ links: { lost, returned } }: Fleet): NonNullable<V1State["links"]> => ({ lost, returned });

/** A renewal under way, and lines without effect at present. */
function notesOf(core: View): Pick<V1Plan, "notes"> {
  const run = core.state.renewals?.run;
  const notes = [
    ...run === undefined ? [] : [renewText(run)],
    ...idleLines(core.state, core.state.fleet, (ctl) => core.rules.verdict(core, ctl)),
  ];
  return notes.length === 0 ? {} : { notes };
}

type V1Answers = Pick<
  StacHandlers,
  "state" | "plan" | "explain" | "health" | "tron" | "setTron" | "logLevel"
>;

export function v1Answers(parts: V1Parts): V1Answers & { readonly fresh: () => Promise<Peek> } {
  const { daemon, clock, facts } = parts;
  const fresh = (): Promise<Peek> => lookUp(parts.fleet(), parts.read);
  const sorted = (core: View, peek: Peek): readonly V1Controller[] =>
    parts.controllers(core, peek).toSorted((a, b) => a.text < b.text ? -1 : 1);
  return {
    fresh,
    tron: () => facts.tron,
    setTron: parts.setTron,
    logLevel: () => facts.tron ? "DEBUG" : "INFO",
    state: async () => {
      const [peek, storage] = await Promise.all([fresh(), parts.storage?.()]);
      const { host } = parts.fleet();
      const controllers = sorted(parts.core(), peek);
      const answer: V1State = {
        schema: 1,
        daemon,
        version: facts.version,
        at: clock.now().wall,
        started: facts.started,
        host: { nqn: host?.nqn ?? "", id: host?.id ?? "", symname: host?.symname ?? "" },
        config: confOf(facts),
        ...parts.others(),
        controllers: storage === undefined ? controllers : withAna(controllers, storage),
        links: linksOf(parts.fleet()),
        events: parts.fleet().recent.map((one) => ({ schema: 1, daemon, ...one })),
        ...(storage === undefined ? {} : subsystemsOf(storage, controllers)),
      };
      return JSON.stringify(answer);
    },
    plan: (text) => {
      const now = clock.now();
      const before = parts.core();
      const notLooked = parts.fleet().fresh ? [] : ["the kernel's connections have not been read yet"];
      const base = {
        schema: 1,
        daemon,
        at: now.wall,
        unknowns: [...notLooked, ...parts.unknowns()],
      } as const;
      const tried: Tried = text === "" ? { ok: true, core: before, findings: [] } : parts.tried(text);
      const { findings } = tried;
      const answer: V1Plan = tried.ok
        ? { ...base, valid: true, findings, ...planOf(tried.core, before, now), ...notesOf(tried.core) }
        : { ...base, valid: false, findings, changes: [], held: [], unchanged: parts.fleet().ctls.size };
      return JSON.stringify(answer);
    },
    explain: async (what) => {
      const peek = await fresh();
      const explained = explain(
        what,
        daemon,
        parts.core(),
        parts.accepts,
        peek,
        clock.now(),
        { loadedAt: facts.conf.loadedAt, droppedAt: parts.droppedAt },
      );
      return JSON.stringify(withHung(explained, parts.hung?.() ?? []));
    },
    health: async () => {
      const [peek, storage] = await Promise.all([fresh(), parts.storage?.()]);
      const invalid: readonly Problem[] = facts.conf.valid ? [] : [{
        id: "config-invalid",
        text:
          `${facts.conf.file} was rejected when it was last loaded; the previous configuration is in force`,
        remedy: `correct ${facts.conf.file} and reload`,
      }];
      const controllers = sorted(parts.core(), peek);
      const answer: V1Health = healthOf(daemon, clock.now().wall, controllers, [
        ...invalid,
        ...identityProblems(parts.core(), peek),
        ...parts.problems(),
        ...(parts.hung?.() ?? []).map((call) => ({
          id: "call-hung",
          text: hungText(call),
          remedy: HUNG_REMEDY,
        })),
        ...heldInUse(parts.core()).map(({ text, device, why, reasons }) => ({
          id: "removal-held",
          text: `${device} ${text}: withdrawn, held: ${why} (withdrawn because: ${reasons.join("; ")})`,
          remedy:
            "stop using it, and it will be disconnected; or make the array or the configuration list it again",
        })),
      ], storage === undefined ? [] : storageProblems(storage, controllers, parts.fleet().past, peek));
      return JSON.stringify(answer);
    },
  };
}
