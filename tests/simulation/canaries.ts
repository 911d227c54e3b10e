/** Cores that are broken on purpose, one for each rule: a simulation that does not catch them catches nothing. */
import { remind } from "../../src/lib/core/fleet/agenda.ts";
import type { StacdEvent } from "../../src/lib/core/effects.ts";
import { finishStafd, takeStafd } from "../../src/lib/core/stafd/stafd_step.ts";
import { Table } from "../../src/lib/base/table.ts";
import { noNbft } from "../../src/lib/core/request/host.ts";
import { tidKey } from "../../src/lib/nvme/tid.ts";
import { type Duration, seconds } from "../../src/lib/base/time.ts";
import {
  blind,
  doing,
  givingKeysAway,
  hearing,
  hurried,
  nothingInUse,
  stacd,
  stacdStepping,
  stafd,
  stafdStepping,
  withDevices,
} from "./altered.ts";
import { type Cores, realCores } from "./cores.ts";
import type { OnInvalid } from "./daemons.ts";
import { HOST_NQN } from "./landscape.ts";
import type { Who } from "./simulation.ts";
import { stafdDraft } from "../../src/lib/core/stafd/stafd_rules.ts";
import { withdraw } from "../../src/lib/core/fleet/claims.ts";
import { ctlAt } from "../../src/lib/core/fleet/questions.ts";
import { SUBTYPE } from "../../src/lib/nvme/discovery_entry.ts";

export interface Canary {
  readonly name: string;
  /** The rule that it breaks. */
  readonly rules: readonly string[];
  readonly who: Who;
  readonly cores: () => Cores;
  readonly onInvalid?: OnInvalid;
  /** Kinds of faults that it takes to show, in every seed. */
  readonly with?: readonly string[];
  /** The first seed to try: one that shows it, where the dice rarely do. */
  readonly first?: number;
}

/** Remembers the last report, and answers with it what a broken core makes of silence. */
function absenceIsEmpty(): Cores {
  let last: Extract<StacdEvent, { readonly type: "fetched" }> | undefined;
  return stacd((event) => {
    if (event.type !== "fetched") return event;
    if (event.outcome.ok) {
      last = event;
      return event;
    }
    if (last?.outcome.ok !== true) return event;
    const dcs = last.outcome.value.dcs.map((dc) => ({
      ...dc,
      page: "read" as const,
      readAt: dc.readAt + 1,
      entries: [],
      bytes: 2,
    }));
    return { ...event, outcome: { ok: true, value: { dcs, retired: [], unknowns: [] } } };
  });
}

/** One number is one device for ever, as it looks to this core. */
export function noIncarnations(): Cores {
  const latest = new Map<string, number>();
  const blind = withDevices<StacdEvent>((ctrl) => {
    latest.set(ctrl.device, ctrl.incarnation);
    return { ...ctrl, incarnation: 1 };
  });
  const heard = hearing(realCores.stacd, (event: StacdEvent) => {
    if (event.type === "connected" && event.outcome.ok) {
      latest.set(event.outcome.value.device, event.outcome.value.incarnation);
      return { ...event, outcome: { ok: true, value: { ...event.outcome.value, incarnation: 1 } } };
    }
    return blind(event);
  });
  const seeing = doing(
    heard,
    (effect) =>
      effect.do === "disconnect"
        ? [{ ...effect, target: { ...effect.target, incarnation: latest.get(effect.target.device) ?? 1 } }]
        : [effect],
  );
  return { ...realCores, stacd: seeing };
}

/** A service that asks for another controller now has withdrawn the first one. */
function serviceMoves(): Cores {
  const { stafd: real } = realCores;
  return stafdStepping((state, event, now) => {
    if (event.type !== "service") return real.step(state, event, now);
    const { key, traddr, port } = event.service;
    const old = state.services.get(key)?.tid;
    if (old === undefined || (old.traddr === traddr && old.trsvcid === String(port))) {
      return real.step(state, event, now);
    }
    const turn = stafdDraft(state, now);
    withdraw(turn, tidKey(old), `mdns:${key}`, {
      kind: "unresponsive",
      since: now.wall,
      timeoutMs: 0,
    });
    takeStafd(turn, event);
    return finishStafd(turn);
  });
}

const QUIET_MS = 1_500;

/** Asks stafd when there was no signal for a while, however long that takes. */
function debounced(): Cores {
  const { stacd: real } = realCores;
  let heardAt: number | undefined;
  return {
    ...realCores,
    stacd: {
      ...real,
      step: (state, event, now) => {
        if (event.type === "stafd-changed") {
          heardAt = now.mono;
          return { state, effects: [] };
        }
        const quiet = heardAt !== undefined && now.mono >= heardAt + QUIET_MS;
        if (!quiet || event.type !== "tick") return real.step(state, event, now);
        heardAt = undefined;
        return real.step(state, { type: "stafd-changed" }, now);
      },
      wakeAt: (state) => {
        const mono = Math.min(real.wakeAt(state)?.mono ?? Infinity, (heardAt ?? Infinity) + QUIET_MS);
        return mono === Infinity ? undefined : { mono };
      },
    },
  };
}

/** A removal is begun when nothing has happened for a while. */
function soakingForEver(): Cores {
  const { stacd: real } = realCores;
  return stacdStepping((state, event, now) => {
    const next = real.step(state, event, now);
    if (event.type === "tick") return next;
    let { fleet } = next.state;
    const removeAt = { mono: now.mono + 1_000 };
    for (const ctl of fleet.ctls.values()) {
      if (ctl.removeAt === undefined) continue;
      const ctls = fleet.ctls.with(ctl.key, { ...ctl, removeAt });
      fleet = { ...fleet, ctls, agenda: remind(fleet.agenda, removeAt, ctl.key) };
    }
    return { ...next, state: { ...next.state, fleet } };
  });
}

/** Goes from each discovery controller along every path of referrals, as far as they lead. */
function walkingPaths(): Cores {
  const { stafd: real } = realCores;
  const MANY = 100_000;
  return stafdStepping((state, event, now) => {
    const next = real.step(state, event, now);
    const { ctls } = next.state.fleet;
    let work = next.work ?? 0;
    const walk = (key: string, path: ReadonlySet<string>): void => {
      if (path.has(key) || work++ > MANY) return;
      for (const claim of ctls.get(key)?.claims.values() ?? []) {
        if (claim.kind === "referral") walk(claim.dc, new Set(path).add(key));
      }
    };
    for (const key of ctls.keys()) walk(key, new Set());
    return { ...next, work };
  });
}

/** Each change is compared with all that any authority has ever said of anybody. */
function lookingAtAllForEach(): Cores {
  const { stafd: real } = realCores;
  return stafdStepping((state, event, now) => {
    const next = real.step(state, event, now);
    const { ctls } = next.state.fleet;
    let claims = 0;
    for (const ctl of ctls.values()) claims += ctl.claims.size;
    return { ...next, work: (next.work ?? 0) + ctls.size * claims };
  });
}

/** Each removal is begun at once. */
function notSoaking(): Cores {
  const { stacd: real } = realCores;
  return stacdStepping((state, event, now) => {
    const next = real.step(state, event, now);
    let { fleet } = next.state;
    for (const ctl of fleet.ctls.values()) {
      if (ctl.removeAt === undefined || ctl.removeAt.mono <= now.mono) continue;
      const removeAt = { mono: now.mono };
      const ctls = fleet.ctls.with(ctl.key, { ...ctl, removeAt });
      fleet = { ...fleet, ctls, agenda: remind(fleet.agenda, removeAt, ctl.key) };
    }
    return { ...next, state: { ...next.state, fleet } };
  });
}

function forgetsTls(): Cores {
  const { stacd: real } = realCores;
  return stacdStepping((state, event, now) => {
    const next = real.step(state, event, now);
    const fleet = { ...next.state.fleet, secured: Table.empty<true>() };
    return { ...next, state: { ...next.state, fleet } };
  });
}

/** What failed is tried again after a second, always. */
function impatient(): Cores {
  const { stacd: real } = realCores;
  return stacdStepping((state, event, now) => {
    const next = real.step(state, event, now);
    let { fleet } = next.state;
    for (const ctl of fleet.ctls.values()) {
      const { link } = ctl;
      if (link.phase !== "waiting" || link.until.mono <= now.mono + 1_000) continue;
      const until = { mono: now.mono + 1_000 };
      const ctls = fleet.ctls.with(ctl.key, { ...ctl, link: { ...link, until } });
      fleet = { ...fleet, ctls, agenda: remind(fleet.agenda, until, ctl.key) };
    }
    return { ...next, state: { ...next.state, fleet } };
  });
}

/** Lists each subsystem once more, by an NQN that no page names. */
function inventive(): Cores {
  return stacd((event) => {
    if (event.type !== "fetched" || !event.outcome.ok) return event;
    const dcs = event.outcome.value.dcs.map((dc) => ({
      ...dc,
      entries: dc.entries.flatMap((entry) =>
        entry.subtype === SUBTYPE.nvme ? [entry, { ...entry, subnqn: "nqn.invented" }] : [entry]
      ),
    }));
    return { ...event, outcome: { ok: true, value: { ...event.outcome.value, dcs } } };
  });
}

const saying = (lines: number): Cores => ({
  ...realCores,
  stacd: doing(
    realCores.stacd,
    (effect) =>
      effect.do === "reach"
        ? [
          effect,
          ...Array.from({ length: lines }, () => ({
            do: "log",
            entry: { level: "info", message: "reaching" },
          } as const)),
        ]
        : [effect],
  ),
});

const stripped = (event: StacdEvent): StacdEvent =>
  event.type === "config" && event.reload ? { ...event, conf: { ...event.conf, excludes: [] } } : event;

/** Of the connections to the same address it takes another one than that it meant. */
function byAnyInterface(): Cores {
  const { stafd: real } = realCores;
  return stafdStepping((state, event, now) => {
    const next = real.step(state, event, now);
    const effects = next.effects.map((effect) => {
      if (effect.do !== "disconnect") return effect;
      const { tid } = effect;
      const other = [...state.fleet.devices.values()].find((device) =>
        device.traddr === tid.traddr && device.trsvcid === tid.trsvcid && device.isDc &&
        device.device !== effect.target.device && device.hostIface !== tid.hostIface
      );
      return other === undefined ? effect : { ...effect, target: other };
    });
    return { ...next, effects };
  });
}

/** Takes no page for young. */
const soakless = <C extends { readonly youngPageSoak: { readonly value: Duration } }>(conf: C): C => ({
  ...conf,
  youngPageSoak: { ...conf.youngPageSoak, value: seconds(0) },
});

export const CANARIES: readonly Canary[] = [
  {
    name: "does not know the boot volumes",
    rules: ["S1"],
    who: "stacd",
    cores: () => stacd((event) => event.type === "nbft" ? { ...event, targets: noNbft } : event),
  },
  {
    name: "does not look at the owner",
    rules: ["S1"],
    who: "stacd",
    cores: () => stacd(withDevices((ctrl) => ({ ...ctrl, owner: "" }))),
  },
  {
    name: "takes every scope for only-stas-connections",
    rules: ["S1"],
    who: "stacd",
    cores: () =>
      stacd((event) =>
        event.type === "config"
          ? {
            ...event,
            conf: {
              ...event.conf,
              disconnectScope: { ...event.conf.disconnectScope, value: "only-stas-connections" },
            },
          }
          : event
      ),
  },
  {
    name: "takes every host for this one",
    rules: ["S1"],
    who: "stacd",
    with: ["other-hosts"],
    cores: () => stacd(withDevices((ctrl) => ctrl.hostNqn === "" ? ctrl : { ...ctrl, hostNqn: HOST_NQN })),
  },
  {
    name: "disconnects by whichever interface it comes upon",
    rules: ["S1"],
    who: "stafd",
    with: ["two-ways", "conf-edits"],
    cores: byAnyInterface,
  },
  {
    name: "takes the next device with a number for the last one",
    rules: ["S1", "L1"],
    who: "stacd",
    cores: noIncarnations,
  },
  { name: "takes silence of stafd for an empty page", rules: ["S2"], who: "stacd", cores: absenceIsEmpty },
  {
    name: "takes a cached page for a page that was read, and empty",
    rules: ["S2"],
    who: "both",
    cores: () =>
      stacd((event) => {
        if (event.type !== "fetched" || !event.outcome.ok) return event;
        const { dcs, retired, unknowns } = event.outcome.value;
        const believed = { page: "read", entries: [], current: true, young: null } as const;
        const read = dcs.map((dc) => dc.page === "read" ? dc : { ...dc, ...believed });
        return { ...event, outcome: { ok: true, value: { dcs: read, retired, unknowns } } };
      }),
  },
  {
    name: "disconnects without evidence of its own time",
    rules: ["S2"],
    who: "both",
    cores: () => ({
      ...realCores,
      stacd: doing(realCores.stacd, (effect) =>
        effect.do === "disconnect"
          ? [{
            ...effect,
            evidence: [{ kind: "log-page", dc: "(tcp, 10.0.0.1, 8009)", genctr: "999999", readAt: 0 }],
          }]
          : [effect]),
    }),
  },
  {
    name: "takes what a service asked for before for withdrawn and gone",
    rules: ["S2"],
    who: "stafd",
    cores: serviceMoves,
  },
  {
    name: "takes a page that could not be read for an empty one",
    rules: ["S3"],
    who: "stafd",
    cores: () =>
      stafd((event) =>
        event.type === "log-read" && !event.outcome.ok
          ? { ...event, outcome: { ok: true, value: { genctr: 0n, entries: [] } } }
          : event
      ),
  },
  {
    name: "does not look at what is connected",
    rules: ["S4"],
    who: "stafd",
    cores: () =>
      stafd((event) =>
        event.type === "scanned" && event.outcome.ok ? { ...event, outcome: { ok: true, value: [] } } : event
      ),
  },
  {
    name: "connects two at once",
    rules: ["S5"],
    who: "stacd",
    cores: () =>
      stacdStepping((state, event, now) => {
        const next = realCores.stacd.step(state, event, now);
        const { fleet } = next.state;
        const lock = { ...fleet.lock, holder: undefined };
        return { ...next, state: { ...next.state, fleet: { ...fleet, lock } } };
      }),
  },
  {
    name: "forgets what it has just connected",
    rules: ["S4"],
    who: "stafd",
    cores: () =>
      stafdStepping((state, event, now) => {
        const next = realCores.stafd.step(state, event, now);
        const { fleet } = next.state;
        const lock = { ...fleet.lock, unread: [] };
        return { ...next, state: { ...next.state, fleet: { ...fleet, lock } } };
      }),
  },
  {
    name: "does everything twice",
    rules: ["S5"],
    who: "stafd",
    cores: () => ({ ...realCores, stafd: doing(realCores.stafd, (effect) => [effect, effect]) }),
  },
  {
    name: "keeps all that is past",
    rules: ["S6"],
    who: "stacd",
    cores: () =>
      stacdStepping((state, event, now) => {
        const next = realCores.stacd.step(state, event, now);
        const past = [...state.fleet.past, ...next.state.fleet.past, ...next.state.fleet.past];
        return { ...next, state: { ...next.state, fleet: { ...next.state.fleet, past } } };
      }),
  },
  {
    name: "walks every path of referrals",
    rules: ["S11"],
    who: "stafd",
    cores: walkingPaths,
  },
  {
    name: "looks at every claim for each controller",
    rules: ["S11"],
    who: "stafd",
    cores: lookingAtAllForEach,
  },
  {
    name: "forgets to exclude after a reload",
    rules: ["S7"],
    who: "stacd",
    cores: () => stacd(stripped),
  },
  {
    name: "logs the keys",
    rules: ["S8"],
    who: "stacd",
    cores: () => ({
      ...realCores,
      stacd: doing(realCores.stacd, (effect) => {
        if (effect.do !== "connect") return [effect];
        const key = effect.request.keys.hostKey?.reveal() ?? "";
        return [effect, { do: "log", entry: { level: "debug", message: `connecting with ${key}` } }];
      }),
    }),
  },
  {
    name: "does not save its state",
    rules: ["S9", "L1"],
    who: "both",
    cores: () => ({
      stafd: doing(realCores.stafd, (effect) => [effect.do === "save" ? { ...effect, state: "{}" } : effect]),
      stacd: doing(
        realCores.stacd,
        (effect) => [effect.do === "save" ? { ...effect, state: "{}" } : effect],
      ),
    }),
  },
  {
    name: "takes an invalid file for an empty one",
    rules: ["S10", "S2"],
    who: "both",
    cores: () => realCores,
    onInvalid: "take-as-empty",
  },
  {
    name: "does not look whether anything is in use",
    rules: ["S12"],
    who: "stacd",
    cores: () => stacd(nothingInUse),
  },
  {
    name: "drains the last usable path of what is in use",
    rules: ["S12"],
    who: "stacd",
    with: ["drains", "mounts"],
    cores: () =>
      stacdStepping((state, event, now) => {
        const { list, asks } = state.drains;
        const isBlind = event.type === "use-seen" && list.length + asks.length > 0;
        return realCores.stacd.step(state, isBlind ? nothingInUse(event) : event, now);
      }),
  },
  {
    name: "forgets what is still announced, or connected",
    rules: ["S2"],
    who: "stafd",
    with: ["forgets", "avahi-goodbyes"],
    cores: () =>
      stafdStepping((state, event, now) => {
        if (event.type !== "forget") return realCores.stafd.step(state, event, now);
        const turn = stafdDraft(state, now);
        for (const key of event.keys) {
          for (const [authority, { kind }] of ctlAt(turn, key)?.claims ?? []) {
            if (kind !== "mdns") continue;
            withdraw(turn, key, authority, {
              kind: "forgotten",
              what: event.what,
              uid: event.uid,
              at: now.wall,
            });
          }
        }
        return finishStafd(turn);
      }),
  },
  {
    name: "forgets when it is only asked",
    rules: ["S2"],
    who: "stafd",
    with: ["forgets", "avahi-goodbyes"],
    cores: () => stafd((event) => event.type === "forget" ? { ...event, mode: "do" } : event),
  },
  {
    name: "disconnects what is in use because the controller that listed it was forgotten",
    rules: ["S12"],
    who: "both",
    with: ["forgets", "avahi-goodbyes", "mounts"],
    cores: () =>
      stacdStepping((state, event, now) => {
        const isForgotten = [...state.fleet.ctls.values()].some(({ guard, released }) =>
          guard !== undefined &&
          [...released.values()].some((one) => one.kind === "dc-retired" && one.why.startsWith("forgotten"))
        );
        return realCores.stacd.step(state, isForgotten ? nothingInUse(event) : event, now);
      }),
  },
  {
    name: "renews the last usable path of what is in use",
    rules: ["S12"],
    who: "stacd",
    with: ["renews", "mounts"],
    cores: () =>
      stacdStepping((state, event, now) =>
        realCores.stacd.step(state, state.renewals.run === undefined ? event : nothingInUse(event), now)
      ),
  },
  {
    name: "renews the second path before the first serves again",
    rules: ["renew"],
    who: "stacd",
    with: ["renews"],
    cores: () => stacdStepping((state, event, now) => realCores.stacd.step(hurried(state), event, now)),
  },
  {
    name: "renews a connection without the keys that it had",
    rules: ["S15"],
    who: "stacd",
    with: ["renews", "conf-edits"],
    cores: blind,
  },
  {
    name: "hands keys to another host's connection",
    rules: ["S13"],
    who: "stacd",
    with: ["renews", "other-hosts"],
    cores: givingKeysAway,
  },
  {
    name: "takes any drain for a forced one",
    rules: ["S12"],
    who: "stacd",
    with: ["drains"],
    cores: () => stacd((event) => event.type === "drain" ? { ...event, mode: "force" } : event),
  },
  {
    name: "forgets what is drained",
    rules: ["S7"],
    who: "stacd",
    with: ["drains"],
    cores: () =>
      stacdStepping((state, event, now) =>
        realCores.stacd.step(
          event.type === "tick" ? { ...state, drains: { ...state.drains, list: [] } } : state,
          event,
          now,
        )
      ),
  },
  { name: "disconnects without a soak", rules: ["soak"], who: "stacd", cores: notSoaking },
  { name: "connects what no page lists", rules: ["asked"], who: "stacd", cores: inventive },
  {
    name: "makes a connection with options that no file asks for",
    rules: ["options"],
    who: "stacd",
    cores: () => ({
      ...realCores,
      stacd: doing(
        realCores.stacd,
        (effect) =>
          effect.do === "connect"
            ? [{ ...effect, request: { ...effect.request, options: { ...effect.request.options, kato: 7 } } }]
            : [effect],
      ),
    }),
  },
  {
    name: "does not hear what pages say of TLS",
    rules: ["S15"],
    who: "stacd",
    cores: () =>
      stacd((event) =>
        event.type === "config"
          ? {
            ...event,
            conf: { ...event.conf, tlsFromLogPage: { ...event.conf.tlsFromLogPage, value: "ignore" } },
          }
          : event
      ),
  },
  {
    name: "forgets what was connected by TLS",
    rules: ["S15"],
    who: "stacd",
    with: ["tls-words"],
    cores: forgetsTls,
  },
  {
    name: "leaves TLS out",
    rules: ["S15"],
    who: "stacd",
    with: ["asks-for-tls"],
    cores: () => ({
      ...realCores,
      stacd: doing(
        realCores.stacd,
        (effect) =>
          effect.do === "connect"
            ? [{
              ...effect,
              request: {
                ...effect.request,
                options: { ...effect.request.options, tls: false, concat: false },
              },
            }]
            : [effect],
      ),
    }),
  },
  {
    name: "believes young pages",
    rules: ["S14"],
    who: "both",
    cores: () => stacd((event) => event.type === "config" ? { ...event, conf: soakless(event.conf) } : event),
  },
  {
    name: "reads young pages and withdraws at once",
    rules: ["S14"],
    who: "stafd",
    with: ["dc-restarts", "referrals"],
    cores: () => stafd((event) => event.type === "config" ? { ...event, conf: soakless(event.conf) } : event),
  },
  {
    name: "leaves the secrets of a line out",
    rules: ["S15"],
    who: "stacd",
    cores: () => ({
      ...realCores,
      stacd: doing(
        realCores.stacd,
        (
          effect,
        ) => [effect.do === "connect" ? { ...effect, request: { ...effect.request, keys: {} } } : effect],
      ),
    }),
  },
  {
    name: "does not hear that a page has changed",
    // What is lost is made good by the look every five minutes (L5): that is too late in a storm of events.
    rules: ["L1", "L2"],
    who: "stafd",
    cores: () => stafd((event) => event.type === "aen" ? { ...event, value: 0x000002 } : event),
  },
  {
    name: "takes no file after its first one",
    rules: ["S10", "L1"],
    who: "stacd",
    cores: () => {
      let first: Extract<StacdEvent, { readonly type: "config" }> | undefined;
      return stacd((event) => {
        if (event.type !== "config") return event;
        first ??= event;
        return { ...first, reload: event.reload };
      });
    },
  },
  { name: "tries again every second", rules: ["L4"], who: "stacd", cores: impatient },
  {
    name: "takes another ip-family after a restart for a reason to disconnect",
    rules: ["S13"],
    who: "stacd",
    with: ["families", "kill-stacd"],
    cores: () =>
      stacdStepping((state, event, now) =>
        realCores.stacd.step({ ...state, fleet: { ...state.fleet, families: undefined } }, event, now)
      ),
  },
  {
    name: "says nothing of what fails",
    rules: ["L4"],
    who: "stacd",
    cores: () => ({
      ...realCores,
      stacd: doing(realCores.stacd, (effect) => effect.do === "log" ? [] : [effect]),
    }),
  },
  { name: "floods the log", rules: ["L4"], who: "stacd", cores: () => saying(100) },
  {
    name: "never tries again",
    rules: ["L1"],
    who: "stafd",
    cores: () => ({
      ...realCores,
      stafd: {
        ...realCores.stafd,
        wakeAt: () => undefined,
      },
    }),
  },
  {
    name: "waits for the end of all signals before it asks",
    rules: ["L2"],
    who: "stacd",
    cores: debounced,
  },
  {
    name: "begins the soak of a removal again with each event",
    rules: ["L2"],
    who: "stacd",
    cores: soakingForEver,
  },
  {
    name: "has no end of ticks",
    rules: ["L3"],
    who: "stacd",
    cores: () => ({
      ...realCores,
      stacd: { ...realCores.stacd, wakeAt: () => ({ mono: 0 }) },
    }),
  },
  {
    name: "goes back to the queue with a controller that is connected",
    rules: ["move"],
    who: "stacd",
    cores: () =>
      stacdStepping((state, event, now) => {
        const next = realCores.stacd.step(state, event, now);
        const { ctls } = next.state.fleet;
        const [first] = event.type === "states" ? [...ctls.values()] : [];
        if (first?.link.phase !== "up") return next;
        const fleet = {
          ...next.state.fleet,
          ctls: ctls.with(first.key, { ...first, link: { phase: "ready" } }),
        };
        return { ...next, state: { ...next.state, fleet } };
      }),
  },
  {
    name: "changes the state that it was given",
    rules: ["purity"],
    who: "stafd",
    cores: () =>
      stafdStepping((state, event, now) => {
        const next = realCores.stafd.step(state, event, now);
        for (const ctl of state.fleet.ctls.values()) Object.assign(ctl, { attempts: ctl.attempts + 1 });
        return next;
      }),
  },
  {
    name: "removes an entry of a map in the state that it was given",
    rules: ["purity"],
    who: "stacd",
    cores: () =>
      stacdStepping((state, event, now) => {
        const next = realCores.stacd.step(state, event, now);
        for (const { claims } of state.fleet.ctls.values()) {
          if (claims instanceof Map) claims.delete("mdns");
        }
        return next;
      }),
  },
];
