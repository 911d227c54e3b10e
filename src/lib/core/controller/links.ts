/**
 * Links of connections: the kernel sends no event for a loss, so the states are polled, cheaply. A loss and a
 * return become events, log lines and entries in the controller's history, and are counted.
 */
import { after } from "../../base/time.ts";
import { type Ctl, noted } from "./ctl.ts";
import type { FleetDraft } from "../fleet/fleet_draft.ts";
import { eventFields } from "../../base/messages.ts";
import { STATE_POLL } from "../retry.ts";

export const LINKS_REMINDER = "#links";

/** How a loss begins in a history. */
export const LINK_LOST = "the link is lost";

export function keepLooking<E extends { readonly do: string }>(fleet: FleetDraft<E>): void {
  const { links } = fleet.fleet;
  if (links.looking) return;
  fleet.fleet = { ...fleet.fleet, links: { ...links, looking: true } };
  fleet.remindAt(after(fleet.now, STATE_POLL), LINKS_REMINDER);
}

export function lookAtLinks<E extends { readonly do: string }>(fleet: FleetDraft<E>): void {
  const devices = new Set<string>();
  for (const { link } of fleet.all()) {
    if (link.phase === "up" || link.phase === "forming") devices.add(link.ref.device);
  }
  fleet.fleet = { ...fleet.fleet, links: { ...fleet.fleet.links, looking: false } };
  if (devices.size === 0 || fleet.fleet.stopping) return;
  fleet.emit({ do: "states", op: fleet.op(), devices: [...devices] });
  keepLooking(fleet);
}

/** A connection that is being deleted is not lost: its removal has an event of its own. */
export const isLost = (state: string): boolean =>
  state !== "live" && state !== "" && !state.startsWith("delet");

export function linksSeen<E extends { readonly do: string }>(
  fleet: FleetDraft<E>,
  states: ReadonlyMap<string, string>,
): void {
  // A controller with two records has one link, which is counted once.
  const counted = new Set<string>();
  for (const ctl of fleet.all()) {
    if (ctl.link.phase !== "up" && ctl.link.phase !== "forming") continue;
    const { device } = ctl.link.ref;
    const state = states.get(device);
    if (ctl.link.phase === "forming") {
      // The event that would have said so was lost.
      if (state === undefined || state === "live") fleet.startScan();
      continue;
    }
    if (state === undefined) continue;
    const change = ctl.link.lost === undefined
      ? isLost(state) ? lost(fleet, ctl, state) : undefined
      : state === "live"
      ? returned(fleet, ctl, ctl.link.lost)
      : undefined;
    if (change === undefined || counted.has(device)) continue;
    counted.add(device);
    const { links } = fleet.fleet;
    fleet.fleet = { ...fleet.fleet, links: { ...links, [change]: links[change] + 1 } };
  }
}

function lost<E extends { readonly do: string }>(fleet: FleetDraft<E>, ctl: Ctl, state: string): "lost" {
  const { link } = ctl;
  if (link.phase !== "up") throw new Error(`${ctl.key} has no link to lose`);
  const words = `${LINK_LOST} (${state}); the kernel tries to get it back`;
  fleet.put(noted({ ...ctl, link: { ...link, lost: fleet.now.wall } }, fleet.now.wall, words));
  fleet.stand(ctl.key);
  fleet.say(
    "warning",
    ctl,
    `The link is lost: ${link.ref.device} is ${state}, the kernel tries to get it back`,
    eventFields("link-lost"),
  );
  fleet.announce(ctl, "link-lost", words);
  return "lost";
}

function returned<E extends { readonly do: string }>(fleet: FleetDraft<E>, ctl: Ctl, at: number): "returned" {
  const { link } = ctl;
  if (link.phase !== "up") throw new Error(`${ctl.key} has no link that could return`);
  const { lost: _, ...whole } = link;
  const seconds = Math.max(0, Math.round((fleet.now.wall - at) / 1000));
  const words = `the link is back after ${seconds} s`;
  fleet.put(noted({ ...ctl, link: whole }, fleet.now.wall, words));
  fleet.stand(ctl.key);
  fleet.say(
    "notice",
    ctl,
    words.replace("the", "The"),
    eventFields("link-returned", { NVME_LOST_SECONDS: String(seconds) }),
  );
  fleet.announce(ctl, "link-returned", words);
  return "returned";
}
