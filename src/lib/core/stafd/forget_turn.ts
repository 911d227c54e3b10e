/** The act `forget` in one step of stafd: whether the controllers may go, and what goes with them. */
import { tidText } from "../../nvme/tid.ts";
import { claimText, type Ctl, deviceOf } from "../controller/ctl.ts";
import { type Evidence, evidenceText } from "../planning/evidence.ts";
import type { StafdHost } from "./stafd_host.ts";
import type { ForgetAnswer, ForgetEvent, Forgotten } from "./forget.ts";
import type { Decision, Verdict } from "../planning/planner.ts";

/** The limit of controllers that one act names; more are refused (S6). */
const MAX_FORGOTTEN = 1024;
/** Answers that wait for the state file; more acts are refused (S6). */
const MAX_WAITING = 8;

export interface ForgetHost extends StafdHost {
  verdict(ctl: Ctl): Verdict;
}

/** The four texts by which a page names an I/O controller. */
const names = ({ trtype, traddr, trsvcid, subnqn }: Readonly<Record<string, string>>): string =>
  JSON.stringify([trtype, traddr, trsvcid, subnqn]);

export class ForgetTurn {
  readonly #host: ForgetHost;

  constructor(host: ForgetHost) {
    this.#host = host;
  }

  /** {@link finish} sends it once the change that it reports is saved. */
  #answer(call: number, answer: ForgetAnswer): void {
    const { state, fleet } = this.#host;
    const upTo = fleet.fleet.saves.wanted;
    this.#host.state = { ...state, answers: [...state.answers, { call, answer, upTo }] };
  }

  #refuse(call: number, controllers: readonly Forgotten[], ...reasons: readonly string[]): void {
    this.#answer(call, { result: "refused", reasons, controllers });
  }

  forget({ call, uid, what, keys, mode }: ForgetEvent): void {
    const { fleet, now, state: { answers } } = this.#host;
    const ctls = keys.flatMap((key) => fleet.ctl(key) ?? []);
    if (ctls.length === 0) return this.#answer(call, { result: "unknown", reasons: [], controllers: [] });
    if (fleet.fleet.stopping) return this.#refuse(call, [], "stafd is stopping");
    if (ctls.length > MAX_FORGOTTEN) {
      return this.#refuse(call, [], `it names ${ctls.length} controllers: one call takes ${MAX_FORGOTTEN}`);
    }
    if (answers.length >= MAX_WAITING) {
      return this.#refuse(call, [], `${MAX_WAITING} calls wait for the state file to be written: try again`);
    }
    const told = new Map(ctls.map((ctl) => [ctl.key, this.#speaksFor(ctl)]));
    const refused = (ctl: Ctl, why: string | undefined): Forgotten => ({
      ...this.#becoming(ctl, [], ctls),
      becomes: "refused",
      why: why ?? "another of the controllers that it names cannot be forgotten",
    });
    const refuse = (whys: ReadonlyMap<string, string | undefined>): void => {
      const reasons = ctls.flatMap((ctl) => {
        const why = whys.get(ctl.key);
        return why === undefined ? [] : [`${tidText(ctl.tid)}: ${why}`];
      });
      this.#refuse(call, ctls.map((ctl) => refused(ctl, whys.get(ctl.key))), ...reasons);
    };
    if ([...told.values()].some((why) => why !== undefined)) return refuse(told);

    const evidence = { kind: "forgotten", what, uid, at: now.wall } as const;
    const wanted = this.#wanted();
    const { fleet: before } = fleet;
    for (const ctl of ctls) {
      for (const [authority, { kind }] of ctl.claims) {
        if (kind === "mdns") fleet.release(ctl.key, authority, evidence);
      }
    }
    const left = new Map(ctls.map((ctl) => [ctl.key, this.#stillWanted(ctl)]));
    const isLeft = [...left.values()].some((why) => why !== undefined);
    const still = isLeft ? wanted : this.#wanted();
    const along = [...wanted].flatMap((key) => still.has(key) || told.has(key) ? [] : fleet.ctl(key) ?? []);
    const all = [...ctls, ...along];
    const controllers = all.map((ctl) => this.#becoming(fleet.ctl(ctl.key) ?? ctl, [evidence], all));
    if (isLeft || mode === "ask") {
      fleet.fleet = before;
      if (isLeft) return refuse(left);
      return this.#answer(call, { result: "possible", reasons: [], controllers });
    }
    const words = evidenceText(evidence);
    fleet.happened("notice", "forgotten", `Discovery controllers are ${words}`, {
      STAS_UID: String(uid),
      NVME_EVIDENCE: words,
    });
    this.#answer(call, { result: "forgotten", reasons: [], controllers });
  }

  /** Why it may not be forgotten, and the way out; undefined when only mDNS announced it, and it is silent. */
  #speaksFor({ key, claims, link, tid }: Ctl): string | undefined {
    const { state: { conf, avahi, services } } = this.#host;
    if (conf === undefined) return "stafd has not read its configuration yet: try again";
    const all = [...claims.values()];
    const exclude =
      `or exclude it: exclude = transport=${tid.transport};traddr=${tid.traddr} in ${conf.file}`;
    for (const claim of all) {
      if (claim.kind === "config") {
        return `it is configured (${claimText(claim)}): remove that line, then systemctl reload stafd`;
      }
      if (claim.kind === "nbft") {
        return `the boot firmware names it (${
          claimText(claim)
        }): change that in the firmware's setup, ${exclude}`;
      }
    }
    if (!all.some(({ kind }) => kind === "mdns")) {
      const [claim] = all;
      if (claim === undefined) return "no source wants it any more: it is dropped anyway";
      return `mDNS never announced it; another controller lists it (${
        claimText(claim)
      }): forget that one, have it listed there no longer, ${exclude}`;
    }
    const announced = all.find((claim) => claim.kind === "mdns" && claim.present);
    const isStale = [...services.values()].some((one) => one.key === key && one.stale);
    const isHeard = avahi.settled || !conf.zeroconf.value || (announced !== undefined && !isStale);
    if (!isHeard) {
      return "it is not known whether mDNS announces it: see that avahi-daemon runs, and try again in half a minute";
    }
    if (announced !== undefined) {
      return `it is still announced (${
        claimText(announced)
      }) and would come back: stop the announcement there, ${exclude}`;
    }
    if (link.phase === "up" && link.lost === undefined) {
      return `it is not silent: it is connected as ${link.ref.device}; switch it off first, ${exclude}`;
    }
    return undefined;
  }

  /** Its announcements are gone: which source wants it all the same? */
  #stillWanted({ key }: Ctl): string | undefined {
    const ctl = this.#host.fleet.ctl(key);
    const verdict = ctl === undefined ? undefined : this.#host.verdict(ctl);
    if (ctl === undefined || verdict === undefined) return undefined;
    if (verdict.is === "held") return `${verdict.why}: try again later`;
    if (verdict.is !== "wanted") return undefined;
    const sources = [...ctl.claims.values()].map(claimText).join("; ");
    return `another controller still lists it (${sources}) and would bring it back: forget that one as well, ` +
      "or have it listed there no longer";
  }

  /** The controllers that any source wants. */
  #wanted(): ReadonlySet<string> {
    const wanted = new Set<string>();
    for (const ctl of this.#host.fleet.all()) {
      if (this.#host.verdict(ctl).is === "wanted") wanted.add(ctl.key);
    }
    return wanted;
  }

  #becoming(ctl: Ctl, evidence: readonly Evidence[], going: readonly Ctl[]): Forgotten {
    const { fleet } = this.#host;
    const [first, ...rest] = evidence;
    const decision: Decision | undefined = first === undefined || ctl.link.phase !== "up"
      ? undefined
      : fleet.afterwards(ctl, [first, ...rest]);
    const is = decision?.act === "release"
      ? "kept"
      : decision === undefined
      ? "not-connected"
      : "disconnected";
    return {
      tid: ctl.tid,
      device: deviceOf(ctl)?.device ?? "",
      becomes: is,
      why: decision?.act === "release" ? decision.why : "",
      ...this.#pageOf(ctl, going),
    };
  }

  #pageOf({ key }: Ctl, going: readonly Ctl[]): Pick<Forgotten, "listed" | "only"> {
    const { fleet, state: { dcs } } = this.#host;
    const listedBy = (dc: string): readonly string[] =>
      (dcs.get(dc)?.page?.entries ?? []).filter(({ subtype }) => subtype === "nvme").map(names);
    const own = new Set(listedBy(key));
    const listed = own.size;
    const goingKeys = new Set(going.map((ctl) => ctl.key));
    fleet.work += dcs.size;
    if (listed > 0) {
      for (const dc of dcs.keys()) {
        if (!goingKeys.has(dc)) {
          for (const one of listedBy(dc)) own.delete(one);
        }
      }
    }
    return { listed, only: own.size };
  }

  /** The end of a step. */
  finish(): void {
    const { state, fleet } = this.#host;
    if (state.answers.length === 0) return;
    const { saves, stopping } = fleet.fleet;
    const isGiven = ({ upTo }: Waiting): boolean => upTo <= saves.done || stopping;
    for (const one of state.answers) {
      if (isGiven(one)) fleet.emit({ do: "answer", call: one.call, answer: one.answer });
    }
    this.#host.state = { ...state, answers: state.answers.filter((one) => !isGiven(one)) };
  }
}

type Waiting = ForgetHost["state"]["answers"][number];
