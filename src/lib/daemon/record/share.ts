/**
 * What an event adds to what is kept already. Identity is part of a recording: to the core, the same record told
 * twice was read once. So an object that is equal to a kept one, but not the same, is kept as {@link Again}.
 */
import type { KernelCtrl } from "../../nvme/kernel_ctrl.ts";
import { difference } from "./values.ts";

/** Rough sizes in memory. */
const OBJECT_BYTES = 32;
const VALUE_BYTES = 8;

/** In place of an object of its own that is equal to another one. */
export class Again {
  readonly of: object;

  constructor(of: object) {
    this.of = of;
  }
}

/** The originals of which {@link Again} was kept. */
export type Replaced = WeakMap<object, Again>;

/** The results of a scan: what a connection was when it was read before is kept once. */
export function keptScan(
  found: readonly KernelCtrl[],
  known: (device: string) => KernelCtrl | undefined,
  replaced: Replaced,
): readonly (KernelCtrl | Again)[] {
  return found.map((ctrl) => {
    const before = known(ctrl.device);
    const again = replaced.get(ctrl);
    if (again !== undefined) return again;
    if (before === undefined || before === ctrl || difference(before, ctrl) !== undefined) return ctrl;
    const equal = new Again(replaced.get(before)?.of ?? before);
    replaced.set(ctrl, equal);
    return equal;
  });
}

/** An estimate of the bytes of a value beyond what was `counted` before; its objects are then counted, too. */
export function weigh(value: unknown, counted: WeakSet<object>): number {
  if (typeof value === "string") return VALUE_BYTES + 16 + value.length;
  if (typeof value !== "object" || value === null) return VALUE_BYTES;
  if (counted.has(value)) return VALUE_BYTES;
  counted.add(value);
  let bytes = OBJECT_BYTES;
  if (value instanceof Uint8Array) return bytes + value.byteLength;
  if (value instanceof Map) {
    for (const [key, one] of value) bytes += OBJECT_BYTES + weigh(key, counted) + weigh(one, counted);
  } else if (value instanceof Set) { for (const one of value) bytes += OBJECT_BYTES + weigh(one, counted); }
  else if (Array.isArray(value)) { for (const one of value) bytes += weigh(one, counted); }
  else for (const one of Object.values(value)) bytes += VALUE_BYTES + weigh(one, counted);
  return bytes;
}
