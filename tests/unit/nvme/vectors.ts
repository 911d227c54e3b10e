/** Reads the shared vectors. They are data from outside: read as unknown, and checked while reading. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

function isJson(value: unknown): value is Json {
  if (value === null || ["boolean", "number", "string"].includes(typeof value)) return true;
  return typeof value === "object" && value !== null && Object.values(value).every(isJson);
}

export function vector(name: string): Json {
  const value: unknown = JSON.parse(
    Deno.readTextFileSync(new URL(`../../vectors/${name}.json`, import.meta.url)),
  );
  if (!isJson(value)) throw new TypeError(`${name} is not JSON`);
  return value;
}

export function list(value: Json | undefined): readonly Json[] {
  if (!Array.isArray(value)) throw new TypeError(`not a list: ${JSON.stringify(value)}`);
  return value;
}

export function record(value: Json | undefined): { readonly [key: string]: Json } {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new TypeError(`not an object: ${JSON.stringify(value)}`);
  }
  const fields: { [key: string]: Json } = {};
  for (const [key, field] of Object.entries(value)) fields[key] = field;
  return fields;
}

export function text(value: Json | undefined): string {
  if (typeof value !== "string") throw new TypeError(`not a text: ${JSON.stringify(value)}`);
  return value;
}

export function texts(value: Json | undefined): Record<string, string> {
  return Object.fromEntries(Object.entries(record(value)).map(([key, field]) => [key, text(field)]));
}
