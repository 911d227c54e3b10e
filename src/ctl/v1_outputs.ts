/** JSON of schema 1 that the tools print beside the daemons' own documents. It stays as it is: schema 2 has its own types. */
import type {
  DaemonName,
  V1Change,
  V1Controller,
  V1Explanation,
  V1Finding,
  V1Health,
  V1Plan,
  V1State,
  V1Subsystem,
} from "../lib/dbus/v1_types.ts";

/** `ls`. */
export type V1List = readonly V1Controller[];

/** `status`. */
export interface V1Status extends V1State {
  readonly health: {
    readonly status: V1Health["status"];
    readonly counts: V1Health["counts"];
    readonly problems: V1Health["problems"];
  };
}

/** `tree` of stacctl. */
export type V1Subsystems = readonly V1SubsystemTree[];

export interface V1SubsystemTree {
  readonly nqn: string;
  readonly paths: readonly V1Controller[];
  /** What the kernel has of it. Absent without a connection. */
  readonly storage?: V1Subsystem;
}

/** An entry of a discovery log page, as the Python implementation spells it. */
export type V1Entry = Readonly<Record<string, string>>;

/** `tree` of stafctl. */
export type V1Tree = readonly { readonly controller: V1Controller; readonly entries: readonly V1Entry[] }[];

/** `dlp`. */
export type V1Page = readonly V1Entry[];

/** A line of `adlp -o jsonl`. */
export interface V1PageOfDc {
  readonly "discovery-controller": Readonly<Record<string, string | null>>;
  readonly "log-pages": readonly V1Entry[];
}

/** `adlp`. */
export type V1Pages = readonly V1PageOfDc[];

/** `plan`. */
export interface V1PlanEffects extends V1Plan {
  /** What follows for I/O paths; of stafd's plan, what stacd will then do. Absent when nothing does, or it is not known. */
  readonly effects?: V1Effects;
}

export interface V1Effects {
  /** I/O paths that go, unless what is behind them is in use. */
  readonly paths: readonly { readonly device: string; readonly nqn: string; readonly text: string }[];
  /** NQNs of subsystems that lose their last path; one whose path is held keeps it. */
  readonly lastPaths: readonly string[];
  /** Namespaces that no other path serves then, and that something uses. */
  readonly inUse: readonly {
    readonly device: string;
    readonly holders: readonly string[];
    /** The controllers that are held for it. */
    readonly by: readonly string[];
  }[];
  /** Why nothing of that happens, or more than usual; null: nothing speaks against it. */
  readonly policy: string | null;
}

/** `plan -o jsonl` has a line for each. */
export type V1Changes = readonly V1Change[];

/** `check`. */
export type V1Check = readonly {
  readonly file: string;
  readonly present: boolean;
  /** False: the daemon would not use it. */
  readonly valid: boolean;
  readonly findings: readonly V1Finding[];
  /** The values in effect. */
  readonly values: readonly {
    readonly section: string;
    readonly option: string;
    /** Null: no value. */
    readonly value: string | null;
    /** `default`, or the place in a file. */
    readonly origin: string;
  }[];
}[];

/** `doctor`. */
export type V1Doctor = readonly {
  readonly area: string;
  readonly verdict: "good" | "notice" | "warning" | "error";
  readonly text: string;
  readonly remedy: string | null;
}[];

/** `health`. */
export interface V1HealthLine extends V1Health {
  /** The line that is printed without `-o`. */
  readonly line: string;
}

/** `health` when the daemon cannot be reached. */
export interface V1Unreachable {
  readonly schema: 1;
  readonly daemon: DaemonName;
  readonly status: "unreachable";
  readonly line: string;
}

/** Every document. */
export type V1Output =
  | V1List
  | V1Status
  | V1Subsystems
  | V1Tree
  | V1Page
  | V1Pages
  | V1Changes
  | V1PlanEffects
  | V1Explanation
  | V1Check
  | V1Doctor
  | V1HealthLine
  | V1Unreachable;
