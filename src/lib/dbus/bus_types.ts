/** What goes over the bus, as values: calls, replies, signals, errors. */
import type { Duration } from "../nvme/time.ts";
import type { Value } from "./connection.ts";

/** Name and first interface of the bus daemon itself. */
export const DBUS = "org.freedesktop.DBus";

/** Names of errors, ours and the bus's. */
export const BusErrors = {
  accessDenied: `${DBUS}.Error.AccessDenied`,
  disconnected: `${DBUS}.Error.Disconnected`,
  failed: `${DBUS}.Error.Failed`,
  invalidArgs: `${DBUS}.Error.InvalidArgs`,
  invalidSignature: `${DBUS}.Error.InvalidSignature`,
  limitsExceeded: `${DBUS}.Error.LimitsExceeded`,
  nameHasNoOwner: `${DBUS}.Error.NameHasNoOwner`,
  noReply: `${DBUS}.Error.NoReply`,
  noServer: `${DBUS}.Error.NoServer`,
  propertyReadOnly: `${DBUS}.Error.PropertyReadOnly`,
  serviceUnknown: `${DBUS}.Error.ServiceUnknown`,
  timeout: `${DBUS}.Error.Timeout`,
  unknownInterface: `${DBUS}.Error.UnknownInterface`,
  unknownMethod: `${DBUS}.Error.UnknownMethod`,
  unknownObject: `${DBUS}.Error.UnknownObject`,
  unknownProperty: `${DBUS}.Error.UnknownProperty`,
} as const;

export interface BusError {
  /** `org.freedesktop.DBus.Error.ServiceUnknown`. */
  readonly name: string;
  readonly message: string;
}

export type Reply =
  | {
    readonly ok: true;
    /** Unique name of who answered. */
    readonly sender: string;
    readonly signature: string;
    readonly body: readonly unknown[];
  }
  | { readonly ok: false; readonly error: BusError };

export interface Call {
  readonly destination: string;
  readonly path: string;
  readonly interface: string;
  readonly member: string;
  readonly signature?: string;
  readonly args?: readonly Value[];
  /** Signature of the answer: another one is an error (InvalidSignature), and is not decoded. Any when missing. */
  readonly gives?: string;
  /** The longest body of the answer that is read, in bytes; the longest message when missing. */
  readonly maxReply?: number;
  /** 25 s when not given, as everywhere on D-Bus. */
  readonly timeout?: Duration;
}

/** A call of somebody else, as its header tells: nothing of the body has been read. */
export interface CallHead {
  readonly sender: string;
  readonly path: string;
  /** Empty when the caller gave none. */
  readonly interface: string;
  readonly member: string;
  readonly signature: string;
  readonly bodyBytes: number;
}

/** A call of somebody else to an exported object. */
export interface IncomingCall extends CallHead {
  /** User of the caller's connection; undefined when the bus did not tell. */
  readonly uid: number | undefined;
  readonly body: readonly unknown[];
}

export type Answer =
  | { readonly ok: true; readonly signature: string; readonly body: readonly Value[] }
  | { readonly ok: false; readonly error: BusError };

/** Answers calls to one object path. It never throws for what a caller sends. */
export type CallHandler = (call: IncomingCall) => Answer | Promise<Answer>;

/** What comes of a call, by its header. Only the body of one that is taken is read. */
export type Admission =
  | {
    readonly ok: true;
    /** The longest body that is taken, in bytes. */
    readonly maxBytes: number;
    readonly tooLong: (uid: number | undefined) => BusError;
    readonly run: CallHandler;
  }
  | { readonly ok: false; readonly error: BusError };

/** Looks at calls to one object path. */
export type Admit = (head: CallHead) => Admission;

/**
 * A match rule on signals. What nobody has subscribed to from this sender is not decoded. A well-known `sender` is checked against its present
 * owner. Without a sender anybody's signal fits: for tests.
 */
export interface MatchRule {
  readonly sender?: string;
  readonly interface?: string;
  readonly member?: string;
  readonly path?: string;
  readonly arg0?: string;
}

export interface SignalMessage {
  readonly sender: string;
  readonly path: string;
  readonly interface: string;
  readonly member: string;
  readonly signature: string;
  readonly body: readonly unknown[];
}

export type Matched =
  | { readonly ok: true; readonly remove: () => void }
  | { readonly ok: false; readonly error: BusError };

export type NameResult =
  | { readonly ok: true }
  | { readonly ok: false; readonly taken: boolean; readonly error: BusError };

/** A name that has an owner, not a connection's own. */
export const isWellKnown = (name: string): boolean => !name.startsWith(":") && name !== DBUS;

/** Root, and the user that this program runs as, may tell us what to do and are believed. */
export const isTrusted = (uid: number | undefined): boolean =>
  uid === 0 || (uid !== undefined && uid === Deno.uid());
