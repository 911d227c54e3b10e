/** The findings of `doctor`, and the environment of its parts. */
import type { Bus } from "../lib/dbus/bus.ts";
import type { DaemonClient } from "../lib/dbus/client.ts";
import type { V1State } from "../lib/dbus/v1_types.ts";
import { type Duration, seconds } from "../lib/base/time.ts";
import type { World } from "./world.ts";

export type Verdict = "good" | "notice" | "warning" | "error";

export interface Diagnosis {
  readonly verdict: Verdict;
  readonly text: string;
  readonly remedy: string | null;
}

export interface Patient {
  readonly world: World;
  readonly daemon: "stafd" | "stacd";
  /** Undefined when there is no bus. */
  readonly bus: Bus | undefined;
  readonly client: DaemonClient | undefined;
  /** Undefined when the daemon did not answer. */
  readonly state: V1State | undefined;
}

export const good = (text: string): Diagnosis => ({ verdict: "good", text, remedy: null });
export const notice = (text: string, remedy: string | null = null): Diagnosis => ({
  verdict: "notice",
  text,
  remedy,
});
export const warning = (text: string, remedy: string): Diagnosis => ({ verdict: "warning", text, remedy });
export const bad = (text: string, remedy: string): Diagnosis => ({ verdict: "error", text, remedy });

/** The time limit of a program that doctor runs. */
export const PATIENCE: Duration = seconds(3);

/** Does something exist at this path? */
export function exists(path: string): boolean {
  try {
    Deno.lstatSync(path);
    return true;
  } catch {
    // Missing, or not accessible to this user, which is treated alike.
    return false;
  }
}

/** Names in a folder, none when it cannot be read. */
export function namesIn(path: string): readonly string[] {
  try {
    return [...Deno.readDirSync(path)].map(({ name }) => name).sort();
  } catch {
    // As above.
    return [];
  }
}
