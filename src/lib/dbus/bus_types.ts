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
  /** 25 s when not given, as everywhere on D-Bus. */
  readonly timeout?: Duration;
}

/** A call of somebody else to an exported object. */
export interface IncomingCall {
  readonly sender: string;
  readonly path: string;
  /** Empty when the caller gave none. */
  readonly interface: string;
  readonly member: string;
  readonly signature: string;
  readonly body: readonly unknown[];
}

export type Answer =
  | { readonly ok: true; readonly signature: string; readonly body: readonly Value[] }
  | { readonly ok: false; readonly error: BusError };

/** Answers calls to one object path. It never throws for what a caller sends. */
export type CallHandler = (call: IncomingCall) => Answer | Promise<Answer>;

/** A match rule on signals. A well-known `sender` is checked against its present owner. */
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
