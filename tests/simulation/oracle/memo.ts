/** The oracle is asked the same again and again; what was worked out once for a text is kept. Nothing here depends on time. */
const MANY = 20_000;

export function kept<T>(of: (text: string) => T): (text: string) => T {
  const known = new Map<string, { readonly value: T }>();
  return (text) => {
    let found = known.get(text);
    if (found === undefined) {
      if (known.size >= MANY) known.clear();
      known.set(text, found = { value: of(text) });
    }
    return found.value;
  };
}

/** Likewise for values that are never changed once they are made. */
export function keptFor<K extends object, T>(of: (key: K) => T): (key: K) => T {
  const known = new WeakMap<K, { readonly value: T }>();
  return (key) => {
    let found = known.get(key);
    if (found === undefined) known.set(key, found = { value: of(key) });
    return found.value;
  };
}
