/** What a daemon is reminded of when a time comes: each kind by name. The agenda keeps them as texts. */

/** Things that a daemon has one of. */
const OF_DAEMON = {
  scan: "#scan",
  links: "#links",
  save: "#save",
  /** A rest of an authority ends (kernel_lock.ts). */
  rest: "#rest",
  /** stafd: Avahi has had time to repeat its reports. */
  avahi: "#avahi",
  /** stacd */
  audit: "#audit",
  fetch: "#fetch",
  drain: "#drain",
  renew: "#renew",
} as const;

/** Things of one controller: removed together with it (S6). */
const OF_CONTROLLER = {
  /** stafd: commands to a discovery controller (dc_session.ts). */
  sync: "#sync:",
  retry: "#retry:",
  generation: "#generation:",
  /** stafd: a silent controller that mDNS no longer announces. */
  lost: "#lost:",
} as const;

/** Things that have other names. */
const OF_OTHERS = {
  /** A host name of a line is resolved again. */
  resolve: "#resolve:",
  /** The logging period of a source ends (log_limit.ts). */
  told: "#told:",
} as const;

type OfOne = keyof typeof OF_CONTROLLER | keyof typeof OF_OTHERS;

export type Reminder =
  | { readonly of: keyof typeof OF_DAEMON }
  | { [Of in OfOne]: { readonly of: Of; readonly key: string } }[OfOne]
  /** The planner decides about the controller again. */
  | { readonly of: "controller"; readonly key: string };

const PREFIXES: Readonly<Record<OfOne, string>> = { ...OF_CONTROLLER, ...OF_OTHERS };

/** No key of a controller begins with this. */
const MARK = "#";

export function reminderText(reminder: Reminder): string {
  if (!("key" in reminder)) return OF_DAEMON[reminder.of];
  return reminder.of === "controller" ? reminder.key : PREFIXES[reminder.of] + reminder.key;
}

const isOfDaemon = (name: string): name is keyof typeof OF_DAEMON => Object.hasOwn(OF_DAEMON, name);
const isOfOne = (name: string): name is OfOne => Object.hasOwn(PREFIXES, name);

/** A reminder that has no name is a bug, and the daemon does not go on without it. */
export function reminderOf(text: string): Reminder {
  if (!text.startsWith(MARK)) return { of: "controller", key: text };
  const colon = text.indexOf(":");
  const name = text.slice(MARK.length, colon < 0 ? undefined : colon);
  if (colon < 0 && isOfDaemon(name)) return { of: name };
  if (colon >= 0 && isOfOne(name)) return { of: name, key: text.slice(colon + 1) };
  throw new Error(`a reminder of nothing known: ${text}`);
}

/** The texts of all reminders of a controller. */
export const remindersOf = (key: string): readonly string[] => [
  key,
  ...Object.values(OF_CONTROLLER).map((prefix) => prefix + key),
];
