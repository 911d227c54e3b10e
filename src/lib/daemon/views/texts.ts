/** Texts that the original's D-Bus interface puts into its answers (requirements 50). */
import type { CommandState } from "../../core/stafd/stafd_state.ts";
import { pythonRepr, type PythonValue } from "../../base/python_literal.ts";
import { type Instant, type Now, reached, until } from "../../base/time.ts";

/** Interval of a connect timer that is off. */
export const IDLE_INTERVAL = 60;

/** Seconds as Python prints a float: at least one decimal. */
const float = (n: number): string => Number.isInteger(n) ? `${n}.0` : String(Number(n.toFixed(6)));

/** `60.0s [off]`, `60.0s [43.348043s]`; seconds. */
export function timerText(interval: number, deadline: Instant | undefined, now: Now): string {
  if (deadline === undefined || reached(deadline, now)) return `${float(interval)}s [off]`;
  const left = until(deadline, now).ms / 1000;
  return `${float(interval)}s [${Number.isInteger(left) ? left : Number(left.toFixed(6))}s]`;
}

/** `{'fail count': 0, 'completed': True, 'alive': True}`, with the timer and the error when there are any. */
export function operationText(operation: CommandState, now: Now): string {
  const value: Record<string, PythonValue> = {
    "fail count": operation.failures,
    completed: operation.completed ?? null,
    alive: true,
  };
  const { retryAt, failure } = operation;
  if (retryAt !== undefined) {
    value["retry timer"] = timerText(Math.round(until(retryAt, now).ms / 1000), retryAt, now);
  }
  if (failure !== undefined) {
    value["error"] = `${failure.phase}: ${failure.message} (${
      failure.errno ?? failure.status ?? failure.kind
    })`;
  }
  return pythonRepr(value);
}

export const pythonBool = (value: boolean): string => value ? "True" : "False";

/** `2026-11-30 06:57:53+09:00`: the host's own time, with its zone. */
export function localTime(wall: number): string {
  const date = new Date(wall);
  const two = (n: number): string => String(Math.floor(Math.abs(n))).padStart(2, "0");
  const east = -date.getTimezoneOffset();
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  const time = `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
  return `${day} ${time}${east < 0 ? "-" : "+"}${two(east / 60)}:${two(east % 60)}`;
}
