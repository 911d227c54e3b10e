/** The systemd units that the page shows. */
import { useCallback, useEffect, useState } from "react";
import type { DaemonName } from "../../src/lib/dbus/v1_types.ts";
import type { Outcome, Problem } from "./outcome.ts";
import { run } from "./programs.ts";
import { parseUnits, type UnitState } from "./unit_states.ts";

export const UNITS = ["stacd", "stafd", "avahi-daemon"] as const;
export type UnitName = typeof UNITS[number];

export type Verb = "start" | "stop" | "restart" | "reload" | "enable" | "disable";

const PROPERTIES = "--property=Id,LoadState,ActiveState,SubState,UnitFileState,StatusText";
const POLL_MS = 5_000;

async function readUnits(): Promise<Outcome<ReadonlyMap<string, UnitState>>> {
  const ended = await run(["systemctl", "show", PROPERTIES, ...UNITS.map((name) => `${name}.service`)]);
  if (!ended.ok) return ended;
  const { status, out } = ended.value;
  return status === 0
    ? { ok: true, value: parseUnits(out) }
    : { ok: false, problem: { kind: "exit", text: out.trim() } };
}

/** Undefined on success. */
export async function act(verb: Verb, unit: UnitName | DaemonName): Promise<Problem | undefined> {
  const words = verb === "enable" || verb === "disable" ? [verb, "--now"] : [verb];
  const ended = await run(["systemctl", ...words, `${unit}.service`], { superuser: "require" });
  if (!ended.ok) return ended.problem;
  return ended.value.status === 0 ? undefined : { kind: "exit", text: ended.value.out.trim() };
}

export interface Units {
  readonly seen: Outcome<ReadonlyMap<string, UnitState>> | undefined;
  refresh(): void;
}

/** `key` changes when something has happened to a daemon. */
export function useUnits(key: string): Units {
  const [seen, setSeen] = useState<Units["seen"]>(undefined);
  const [turn, setTurn] = useState(0);
  useEffect(() => {
    let isWanted = true;
    const read = async (): Promise<void> => {
      const now = await readUnits();
      if (isWanted) setSeen(now);
    };
    void read();
    const timer = setInterval(() => void read(), POLL_MS);
    return () => {
      isWanted = false;
      clearInterval(timer);
    };
  }, [key, turn]);
  return { seen, refresh: useCallback(() => setTurn((n) => n + 1), []) };
}
