/** Calls, replies, signals and errors of the bus, as values. */
import type { Duration } from "../base/time.ts";
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
    /** Unique name of the connection that answered. */
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
  /**
   * Signature of the answer; an answer with another one is not decoded and is an error (InvalidSignature). Missing:
   * any.
   */
  readonly gives?: string;
  /** The longest body of the answer that is read, in bytes; the longest message when missing. */
  readonly maxReply?: number;
  /** 25 s when not given, as everywhere on D-Bus. */
  readonly timeout?: Duration;
}

/** The header of another program's call; its body has not been read. */
export interface CallHead {
  readonly sender: string;
  readonly path: string;
  /** Empty when the caller gave none. */
  readonly interface: string;
  readonly member: string;
  readonly signature: string;
  readonly bodyBytes: number;
}

/** Another program's call to an exported object. */
export interface IncomingCall extends CallHead {
  /** User of the caller's connection; undefined when the bus did not report it. */
  readonly uid: number | undefined;
  readonly body: readonly unknown[];
}

export type Answer =
  | { readonly ok: true; readonly signature: string; readonly body: readonly Value[] }
  | { readonly ok: false; readonly error: BusError };

/** Answers calls to one object path. It never throws for what a caller sends. */
export type CallHandler = (call: IncomingCall) => Answer | Promise<Answer>;

/** The decision on a call, made by its header. Only the body of an accepted call is read. */
export type Admission =
  | {
    readonly ok: true;
    /** The longest body that is taken, in bytes. */
    readonly maxBytes: number;
    readonly tooLong: (uid: number | undefined) => BusError;
    readonly run: CallHandler;
  }
  | { readonly ok: false; readonly error: BusError };

/** Decides on calls to one object path. */
export type Admit = (head: CallHead) => Admission;

/**
 * A match rule for signals. Signals without a matching subscription are not decoded. A well-known `sender` is checked
 * against its present owner. Without `sender`, signals from any sender match: for tests.
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
