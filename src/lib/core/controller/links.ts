/**
 * Links of connections: the kernel sends no event for a loss, so the states are polled, cheaply. A loss and a
 * return become events, log lines and entries in the controller's history, and are counted.
 */
import { isDeleting, type KernelState } from "../../nvme/kernel_state.ts";
import { after } from "../../base/time.ts";
import { type Ctl, noted } from "./ctl.ts";
import { eventFields } from "../../base/messages.ts";
import { STATE_POLL } from "../retry.ts";
import {
  changeFleet,
  type Draft,
  emit,
  newOp,
  noteStanding,
  put,
  remindAt,
  startScan,
} from "../fleet/draft.ts";
import { allCtls } from "../fleet/questions.ts";
import { announce, say } from "../fleet/reporting.ts";

/** How a loss begins in a history. */
export const LINK_LOST = "the link is lost";

export function keepLooking(draft: Draft): void {
  const { links } = draft.state.fleet;
  if (links.looking) return;
  changeFleet(draft, { links: { ...links, looking: true } });
  remindAt(draft, after(draft.now, STATE_POLL), { of: "links" });
}

export function lookAtLinks(draft: Draft): void {
  const devices = new Set<string>();
  for (const { link } of allCtls(draft)) {
    if (link.phase === "up" || link.phase === "forming") devices.add(link.ref.device);
  }
  changeFleet(draft, { links: { ...draft.state.fleet.links, looking: false } });
  if (devices.size === 0 || draft.state.fleet.stopping) return;
  emit(draft, { do: "states", op: newOp(draft), devices: [...devices] });
  keepLooking(draft);
}

/** A connection that is being deleted is not lost: its removal has an event of its own. */
export const isLost = (state: KernelState): boolean => state !== "live" && state !== "" && !isDeleting(state);

export function linksSeen(
  draft: Draft,
  states: ReadonlyMap<string, KernelState>,
): void {
  // A controller with two records has one link, which is counted once.
  const counted = new Set<string>();
  for (const ctl of allCtls(draft)) {
    if (ctl.link.phase !== "up" && ctl.link.phase !== "forming") continue;
    const { device } = ctl.link.ref;
    const state = states.get(device);
    if (ctl.link.phase === "forming") {
      // The event that would have said so was lost.
      if (state === undefined || state === "live") startScan(draft);
      continue;
    }
    if (state === undefined) continue;
    const change = ctl.link.lost === undefined
      ? isLost(state) ? lost(draft, ctl, state) : undefined
      : state === "live"
      ? returned(draft, ctl, ctl.link.lost)
      : undefined;
    if (change === undefined || counted.has(device)) continue;
    // It may have come back by another interface, and no event may have told that it is back.
    if (change === "returned") startScan(draft);
    counted.add(device);
    const { links } = draft.state.fleet;
    changeFleet(draft, { links: { ...links, [change]: links[change] + 1 } });
  }
}

function lost(draft: Draft, ctl: Ctl, state: KernelState): "lost" {
  const { link } = ctl;
  if (link.phase !== "up") throw new Error(`${ctl.key} has no link to lose`);
  const words = `${LINK_LOST} (${state}); the kernel tries to get it back`;
  put(draft, noted({ ...ctl, link: { ...link, lost: draft.now.wall } }, draft.now.wall, words));
  noteStanding(draft, ctl.key);
  say(
    draft,
    "warning",
    ctl,
    `The link is lost: ${link.ref.device} is ${state}, the kernel tries to get it back`,
    eventFields("link-lost"),
  );
  announce(draft, ctl, "link-lost", words);
  return "lost";
}

function returned(draft: Draft, ctl: Ctl, at: number): "returned" {
  const { link } = ctl;
  if (link.phase !== "up") throw new Error(`${ctl.key} has no link that could return`);
  const { lost: _, ...whole } = link;
  const seconds = Math.max(0, Math.round((draft.now.wall - at) / 1000));
  const words = `the link is back after ${seconds} s`;
  put(draft, noted({ ...ctl, link: whole }, draft.now.wall, words));
  noteStanding(draft, ctl.key);
  say(
    draft,
    "notice",
    ctl,
    words.replace("the", "The"),
    eventFields("link-returned", { NVME_LOST_SECONDS: String(seconds) }),
  );
  announce(draft, ctl, "link-returned", words);
  return "returned";
}
