/**
 * A recording as it is written into a report, and read from it. A recording of another format, or of a program with
 * another state, is refused: it would be misread.
 */
import { digestOf } from "../../config/digest.ts";
import { emptyStacd, type StacdState } from "../../core/stacd/stacd_state.ts";
import { newCtl } from "../../core/controller/ctl.ts";
import type { Event, StacdEvent, StafdEvent } from "../../core/effects.ts";
import { emptyStafd, newDc, type StafdState } from "../../core/stafd/stafd_state.ts";
import { emptyFleet } from "../../core/fleet/fleet.ts";
import { newGuard } from "../../core/planning/guard.ts";
import { entryFromText } from "../../nvme/entry_text.ts";
import { normaliseTid } from "../../nvme/tid.ts";
import type { Now } from "../../base/time.ts";
import { VERSION } from "../../base/version.ts";
import { decoded } from "./decode.ts";
import { Encoding } from "./encode.ts";
import type { Gap, Recorded } from "./recorder.ts";

/** Of what {@link Encoding} writes and {@link recordingOf} reads. */
export const FORMAT = 1;

/** All about a recording but its data. */
export interface RecordingHead {
  readonly format: number;
  readonly daemon: "stafd" | "stacd";
  readonly version: string;
  /** A fingerprint of the fields of the state: equal for programs that can play it. */
  readonly shape: string;
  /** Events since the daemon was started, with those that are no longer kept. */
  readonly count: number;
  readonly gap: Gap | null;
}

const ANY_TID = normaliseTid({ transport: "loop" }, { hostNqn: "", ignoreIface: true });

/** Of a log page. Version 1.0.0 had its texts instead. */
const ANY_ENTRY = entryFromText({});

const shapeOf = (state: StafdState | StacdState): string =>
  digestOf(
    [state, emptyFleet, newCtl("", ANY_TID, 0), newDc, newGuard, ANY_ENTRY].map((one) =>
      Object.keys(one).join()
    )
      .join("\n"),
  );

export const SHAPES = { stafd: shapeOf(emptyStafd), stacd: shapeOf(emptyStacd) };

export const headOf = (
  daemon: "stafd" | "stacd",
  { count, gap }: Pick<Recorded<unknown>, "count" | "gap">,
): RecordingHead => ({
  format: FORMAT,
  daemon,
  version: VERSION,
  shape: SHAPES[daemon],
  count,
  gap: gap ?? null,
});

/** The data of a recording, as text. */
export const dataOf = <State>({ start, events, end, identity }: Recorded<State>): Encoding =>
  new Encoding({ start, events, end }, identity);

export interface Recording<State, Event> {
  readonly head: RecordingHead;
  readonly start: State;
  readonly events: readonly { readonly at: Now; readonly event: Event }[];
  readonly end: State;
}

export type AnyRecording =
  | { readonly daemon: "stafd"; readonly recording: Recording<StafdState, StafdEvent> }
  | { readonly daemon: "stacd"; readonly recording: Recording<StacdState, StacdEvent> };

export type ReadRecording =
  | { readonly ok: true; readonly read: AnyRecording; readonly warnings: readonly string[] }
  | { readonly ok: false; readonly message: string };

type Fields = Readonly<Record<string, unknown>>;

const isFields = (value: unknown): value is Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** `json` has the fields of {@link RecordingHead}, and `data`. */
export function recordingOf(json: unknown): ReadRecording {
  const refused = (message: string): ReadRecording => ({ ok: false, message });
  if (!isFields(json)) return refused("this is no recording");
  const head = headIn(json);
  if (head === undefined) return refused("the head of the recording is incomplete");
  const { format, daemon, version, shape } = head;
  if (format !== FORMAT) {
    return refused(
      `the recording has format ${format}, written by version ${version}; this program reads format ${FORMAT}. ` +
        `Replay it with the source of version ${version}`,
    );
  }
  if (shape !== SHAPES[daemon]) {
    return refused(
      `version ${version} of ${daemon} wrote this recording, and its state has other fields than that of version ` +
        `${VERSION}. Replay it with the source of version ${version}`,
    );
  }
  const warnings = version === VERSION ? [] : [
    `version ${version} wrote this recording; version ${VERSION} plays it, and may decide otherwise`,
  ];
  const data = decoded(json["data"]);
  if (!data.ok) return refused(`the recording cannot be read: ${data.message}`);
  if (!isFields(data.value)) return refused("the recording has no data");
  const { start, events, end } = data.value;
  const list: readonly unknown[] = Array.isArray(events) ? events : [];
  if (daemon === "stafd" && isStafd(start) && isStafd(end) && areStafdEvents(list)) {
    return { ok: true, read: { daemon, recording: { head, start, events: list, end } }, warnings };
  }
  if (daemon === "stacd" && isStacd(start) && isStacd(end) && areStacdEvents(list)) {
    return { ok: true, read: { daemon, recording: { head, start, events: list, end } }, warnings };
  }
  return refused(`the recording does not hold a state and events of ${daemon}`);
}

function headIn(json: Fields): RecordingHead | undefined {
  const { format, daemon, version, shape, count, gap } = json;
  if (typeof format !== "number" || typeof version !== "string" || typeof shape !== "string") {
    return undefined;
  }
  if ((daemon !== "stafd" && daemon !== "stacd") || typeof count !== "number") return undefined;
  return { format, daemon, version, shape, count, gap: isFields(gap) ? gapOf(gap) : null };
}

function gapOf({ at, type, bytes }: Fields): Gap {
  const { mono, wall } = isFields(at) ? at : {};
  return { at: { mono: Number(mono), wall: Number(wall) }, type: String(type), bytes: Number(bytes) };
}

const hasFieldsOf = (value: unknown, model: object): value is Fields =>
  isFields(value) && Object.keys(value).toSorted().join() === Object.keys(model).toSorted().join();

const isStafd = (value: unknown): value is StafdState =>
  hasFieldsOf(value, emptyStafd) && hasFieldsOf(value["fleet"], emptyFleet);

const isStacd = (value: unknown): value is StacdState =>
  hasFieldsOf(value, emptyStacd) && hasFieldsOf(value["fleet"], emptyFleet);

/** The events of both daemons. Complete by its type, as the two below: a new kind of event needs its line to compile. */
const EVENTS: Readonly<Record<Event["type"], true>> = {
  "tick": true,
  "clock-set": true,
  "host": true,
  "nbft": true,
  "transports": true,
  "tls-host": true,
  "exclusions": true,
  "scanned": true,
  "reached": true,
  "kernel-free": true,
  "connected": true,
  "disconnected": true,
  "use-seen": true,
  "resolved": true,
  "states": true,
  "saved": true,
  "stop": true,
  "device": true,
  "removed": true,
  "aen": true,
  "overflow": true,
  "network": true,
};

const STAFD_EVENTS: Readonly<Record<StafdEvent["type"], true>> = {
  ...EVENTS,
  "config": true,
  "registered": true,
  "supported-logs": true,
  "log-read": true,
  "generation": true,
  "avahi": true,
  "service": true,
  "service-gone": true,
  "mdns-problem": true,
  "forget": true,
};

const STACD_EVENTS: Readonly<Record<StacdEvent["type"], true>> = {
  ...EVENTS,
  "config": true,
  "fetched": true,
  "drain": true,
  "undrain": true,
  "renew": true,
  "keys-written": true,
  "stafd": true,
  "stafd-changed": true,
};

type Timed<Event> = { readonly at: Now; readonly event: Event };

const areEvents = (list: readonly unknown[], types: object): boolean =>
  list.every((one) => {
    if (!isFields(one) || !isFields(one["at"]) || !isFields(one["event"])) return false;
    const { mono, wall } = one["at"];
    const { type } = one["event"];
    return typeof mono === "number" && typeof wall === "number" && typeof type === "string" &&
      Object.hasOwn(types, type);
  });

const areStafdEvents = (list: readonly unknown[]): list is readonly Timed<StafdEvent>[] =>
  areEvents(list, STAFD_EVENTS);

const areStacdEvents = (list: readonly unknown[]): list is readonly Timed<StacdEvent>[] =>
  areEvents(list, STACD_EVENTS);
