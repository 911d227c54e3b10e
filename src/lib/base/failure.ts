/** The step in which something outside failed. */
export type Phase =
  | "resolve"
  | "reach"
  | "connect"
  | "verify"
  | "register"
  | "supported-logs"
  | "read-log"
  | "disconnect"
  | "scan"
  | "bus"
  | "file";

/**
 * Something outside went wrong: data, not an exception. `message` is what a person reads; it holds no secret (S8).
 * `permanent` means that trying again changes nothing until a person or the fabric changes something;
 * `gone` means that the device does not exist any more.
 */
export interface Failure {
  readonly phase: Phase;
  readonly kind: "transient" | "permanent" | "gone";
  /** Symbolic, `ECONNREFUSED`. */
  readonly errno?: string;
  /** NVMe status field (SCT and SC with DNR at bit 14), when the controller answered with an error. */
  readonly status?: number;
  readonly message: string;
  readonly remedy?: string;
  /** The connection that was made and deleted again; its events may arrive later. */
  readonly undone?: { readonly device: string; readonly incarnation: number };
}

export type Outcome<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly failure: Failure };
