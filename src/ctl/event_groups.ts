/** The newest events, with those that say the same of several controllers one after the other as one. */
import type { V1Event } from "../lib/dbus/v1_types.ts";

export interface EventGroup {
  /** Of the newest of them. */
  readonly at: number;
  readonly type: string;
  /** The devices, or addresses where there is no device. */
  readonly who: string;
  readonly message: string;
}

/** Names that a group shows of those that it is about. */
const MAX_NAMES = 3;

/** The newest first. */
export function eventGroups(events: readonly V1Event[]): readonly EventGroup[] {
  const groups: { event: V1Event; said: string; names: string[] }[] = [];
  for (const event of events.toReversed()) {
    const name = event.device === "" ? event.tid?.traddr ?? "" : event.device;
    // What differs only in the name is the same.
    const said = `${event.type} ${name === "" ? event.message : event.message.replaceAll(name, "it")}`;
    const last = groups.at(-1);
    if (last?.said !== said) groups.push({ event, said, names: [name] });
    else if (!last.names.includes(name)) last.names.push(name);
  }
  return groups.map(({ event: { at, type, message }, names }) => ({
    at,
    type,
    who: names.slice(0, MAX_NAMES).join(", ") + (names.length > MAX_NAMES ? " and others" : ""),
    // Of several, the type says what they have in common. An event of the daemon itself has no name.
    message: names.length > 1 ? "" : names[0] === "" ? message : message.replace(`${names[0] ?? ""} `, ""),
  }));
}
