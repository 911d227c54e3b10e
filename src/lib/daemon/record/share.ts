/**
 * What an event adds to the events before it. Many events repeat what an earlier one said (the states of a thousand
 * links, every five seconds): the parts that are equal are kept once, and the rest is weighed.
 */
/** Rough sizes in memory. */
const OBJECT_BYTES = 32;
const VALUE_BYTES = 8;

export interface Kept {
  /** Equal to what was given; parts that are equal to those of `before` are those of `before`. */
  readonly value: unknown;
  /** An estimate of the bytes that it holds and `before` does not. */
  readonly bytes: number;
}

type Fields = Readonly<Record<string, unknown>>;

const isFields = (value: unknown): value is Fields =>
  typeof value === "object" && value !== null && Object.getPrototypeOf(value) === Object.prototype;

export function kept(value: unknown, before: unknown): Kept {
  if (value === before) return { value, bytes: VALUE_BYTES };
  if (typeof value === "string") return { value, bytes: VALUE_BYTES + 16 + value.length };
  if (typeof value !== "object" || value === null) return { value, bytes: VALUE_BYTES };
  if (Array.isArray(value)) return keptList(value, Array.isArray(before) ? before : []);
  if (value instanceof Map) return keptMap(value, before instanceof Map ? before : undefined);
  if (value instanceof Set) return keptSet(value, before);
  if (isFields(value)) return keptFields(value, isFields(before) ? before : undefined);
  const size = value instanceof Uint8Array ? value.byteLength : 0;
  const isSame = value instanceof Uint8Array && before instanceof Uint8Array && sameBytes(value, before);
  return isSame ? { value: before, bytes: VALUE_BYTES } : { value, bytes: OBJECT_BYTES + size };
}

function keptList(list: readonly unknown[], before: readonly unknown[]): Kept {
  let bytes = OBJECT_BYTES;
  let isSame = list.length === before.length;
  const whole = list.map((one, at) => {
    const part = kept(one, before[at]);
    bytes += part.bytes;
    isSame &&= Object.is(part.value, before[at]);
    return part.value;
  });
  return isSame ? { value: before, bytes: VALUE_BYTES } : { value: whole, bytes };
}

function keptMap(
  map: ReadonlyMap<unknown, unknown>,
  before: ReadonlyMap<unknown, unknown> | undefined,
): Kept {
  let bytes = OBJECT_BYTES;
  let isSame = before?.size === map.size;
  const whole = new Map<unknown, unknown>();
  const names = before?.keys();
  for (const [key, one] of map) {
    const old = before?.get(key);
    const part = kept(one, old);
    bytes += part.bytes + OBJECT_BYTES + (typeof key === "string" ? key.length : 0);
    isSame &&= Object.is(part.value, old) && names?.next().value === key;
    whole.set(key, part.value);
  }
  return isSame ? { value: before, bytes: VALUE_BYTES } : { value: whole, bytes };
}

function keptSet(set: ReadonlySet<unknown>, before: unknown): Kept {
  let bytes = OBJECT_BYTES;
  for (const one of set) bytes += OBJECT_BYTES + kept(one, undefined).bytes;
  const names = before instanceof Set ? before.values() : undefined;
  const isSame = before instanceof Set && before.size === set.size &&
    [...set].every((one) => names?.next().value === one);
  return isSame ? { value: before, bytes: VALUE_BYTES } : { value: set, bytes };
}

function keptFields(fields: Fields, before: Fields | undefined): Kept {
  let bytes = OBJECT_BYTES;
  let isSame = before !== undefined;
  const whole: [string, unknown][] = [];
  const names = before === undefined ? [] : Object.keys(before);
  let at = 0;
  for (const [name, one] of Object.entries(fields)) {
    const old = before?.[name];
    const part = kept(one, old);
    bytes += part.bytes + VALUE_BYTES;
    isSame &&= Object.is(part.value, old) && names[at++] === name;
    whole.push([name, part.value]);
  }
  isSame &&= at === names.length;
  return isSame ? { value: before, bytes: VALUE_BYTES } : { value: Object.fromEntries(whole), bytes };
}

const sameBytes = (a: Uint8Array, b: Uint8Array): boolean =>
  a.byteLength === b.byteLength && a.every((byte, at) => byte === b[at]);
