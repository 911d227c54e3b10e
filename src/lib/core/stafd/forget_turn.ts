/** The act `forget` in one step of stafd: whether the controllers may go, and what goes with them. */
import type { StafdDraft, StafdView } from "./stafd_draft.ts";
import type { ForgetAnswer, ForgetEvent, Forgotten } from "./forget.ts";
import { allCtls, ctlAt } from "../fleet/questions.ts";
import { claimText, type Ctl, deviceOf } from "../controller/ctl.ts";
import { type PageEntry, SUBTYPE } from "../../nvme/discovery_entry.ts";
import { tidText } from "../../nvme/tid.ts";
import { withdraw } from "../fleet/claims.ts";
import { MAX_WAITING } from "../fleet/act_limits.ts";
import { answersDue, namedCtls, stopping, tooMany } from "../fleet/acts.ts";
import { emit, setFleet } from "../fleet/draft.ts";
import { type Evidence, evidenceText } from "../planning/evidence.ts";
import { happened } from "../fleet/reporting.ts";
import type { Decision } from "../planning/planner.ts";
import { afterwards } from "../fleet/decisions.ts";

/** The four fields by which a page names an I/O controller. */
const names = ({ trtype, traddr, trsvcid, subnqn }: PageEntry): string =>
  JSON.stringify([trtype, traddr, trsvcid, subnqn]);

/** {@link sendForgetAnswers} sends it once the change that it reports is saved. */
function answer(draft: StafdDraft, call: number, answer: ForgetAnswer): void {
  const { state } = draft;
  const upTo = draft.state.fleet.saves.due;
  draft.state = { ...state, answers: [...state.answers, { call, answer, upTo }] };
}

function refuse(
  draft: StafdDraft,
  call: number,
  controllers: readonly Forgotten[],
  ...reasons: readonly string[]
): void {
  answer(draft, call, { result: "refused", reasons, controllers });
}

export function forget(draft: StafdDraft, { call, uid, what, keys, mode }: ForgetEvent): void {
  const { now, state: { answers } } = draft;
  const ctls = namedCtls(draft, keys);
  if (ctls.length === 0) return answer(draft, call, { result: "unknown", reasons: [], controllers: [] });
  const why = stopping(draft) ?? tooMany(ctls, "forget");
  if (why !== undefined) return refuse(draft, call, [], why);
  if (answers.length >= MAX_WAITING) {
    return refuse(draft, call, [], `${MAX_WAITING} calls wait for the state file to be written: try again`);
  }
  const told = new Map(ctls.map((ctl) => [ctl.key, speaksFor(draft, ctl)]));
  const refused = (ctl: Ctl, why: string | undefined): Forgotten => ({
    ...becoming(draft, ctl, [], ctls),
    becomes: "refused",
    why: why ?? "another of the controllers that it names cannot be forgotten",
  });
  const refuseAll = (whys: ReadonlyMap<string, string | undefined>): void => {
    const reasons = ctls.flatMap((ctl) => {
      const why = whys.get(ctl.key);
      return why === undefined ? [] : [`${tidText(ctl.tid)}: ${why}`];
    });
    refuse(draft, call, ctls.map((ctl) => refused(ctl, whys.get(ctl.key))), ...reasons);
  };
  if ([...told.values()].some((why) => why !== undefined)) return refuseAll(told);

  const evidence = { kind: "forgotten", what, uid, at: now.wall } as const;
  const wanted = allWanted(draft);
  const { fleet: before } = draft.state;
  const { referrals } = draft.memo;
  for (const ctl of ctls) {
    for (const [authority, { kind }] of ctl.claims) {
      if (kind === "mdns") withdraw(draft, ctl.key, authority, evidence);
    }
  }
  const left = new Map(ctls.map((ctl) => [ctl.key, stillWanted(draft, ctl)]));
  const isLeft = [...left.values()].some((why) => why !== undefined);
  const still = isLeft ? wanted : allWanted(draft);
  const along = [...wanted].flatMap((key) => still.has(key) || told.has(key) ? [] : ctlAt(draft, key) ?? []);
  const all = [...ctls, ...along];
  const controllers = all.map((ctl) => becoming(draft, ctlAt(draft, ctl.key) ?? ctl, [evidence], all));
  if (isLeft || mode === "ask") {
    setFleet(draft, before);
    draft.memo.referrals = referrals;
    if (isLeft) return refuseAll(left);
    return answer(draft, call, { result: "possible", reasons: [], controllers });
  }
  const words = evidenceText(evidence);
  happened(draft, "notice", "forgotten", `Discovery controllers are ${words}`, {
    STAS_UID: String(uid),
    NVME_EVIDENCE: words,
  });
  answer(draft, call, { result: "forgotten", reasons: [], controllers });
}

/** Why it may not be forgotten, and the way out; undefined when only mDNS announced it, and it is silent. */
function speaksFor(view: StafdView, { key, claims, link, tid }: Ctl): string | undefined {
  const { state: { conf, avahi, services } } = view;
  if (conf === undefined) return "stafd has not read its configuration yet: try again";
  const all = [...claims.values()];
  const exclude = `or exclude it: exclude = transport=${tid.transport};traddr=${tid.traddr} in ${conf.file}`;
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
function stillWanted(view: StafdView, { key }: Ctl): string | undefined {
  const ctl = ctlAt(view, key);
  const verdict = ctl === undefined ? undefined : view.rules.verdict(view, ctl);
  if (ctl === undefined || verdict === undefined) return undefined;
  if (verdict.is === "held") return `${verdict.why}: try again later`;
  if (verdict.is !== "wanted") return undefined;
  const sources = [...ctl.claims.values()].map(claimText).join("; ");
  return `another controller still lists it (${sources}) and would bring it back: forget that one as well, ` +
    "or have it listed there no longer";
}

/** The controllers that any source wants. */
function allWanted(view: StafdView): ReadonlySet<string> {
  const wanted = new Set<string>();
  for (const ctl of allCtls(view)) {
    if (view.rules.verdict(view, ctl).is === "wanted") wanted.add(ctl.key);
  }
  return wanted;
}

function becoming(
  view: StafdView,
  ctl: Ctl,
  evidence: readonly Evidence[],
  going: readonly Ctl[],
): Forgotten {
  const [first, ...rest] = evidence;
  const decision: Decision | undefined = first === undefined || ctl.link.phase !== "up"
    ? undefined
    : afterwards(view, ctl, [first, ...rest]);
  const is = decision?.act === "release" ? "kept" : decision === undefined ? "not-connected" : "disconnected";
  return {
    tid: ctl.tid,
    device: deviceOf(ctl)?.device ?? "",
    becomes: is,
    why: decision?.act === "release" ? decision.why : "",
    ...pageOf(view, ctl, going),
  };
}

function pageOf(
  view: StafdView,
  { key }: Ctl,
  going: readonly Ctl[],
): Pick<Forgotten, "listed" | "only"> {
  const { state: { dcs } } = view;
  const listedBy = (dc: string): readonly string[] =>
    (dcs.get(dc)?.page?.entries ?? []).filter(({ subtype }) => subtype === SUBTYPE.nvme).map(names);
  const own = new Set(listedBy(key));
  const listed = own.size;
  const goingKeys = new Set(going.map((ctl) => ctl.key));
  view.work += dcs.size;
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
export function sendForgetAnswers(draft: StafdDraft): void {
  const { state } = draft;
  if (state.answers.length === 0) return;
  const { due, waiting } = answersDue(draft, state.answers);
  for (const { call, answer } of due) emit(draft, { do: "answer", call, answer });
  draft.state = { ...state, answers: waiting };
}
