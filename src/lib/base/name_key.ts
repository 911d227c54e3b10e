/**
 * A name from outside as the key of a map. V8 places a text that looks like a whole number by its value: a
 * peer could choose one place for thousands of names with no effort at all. What thousands of other names cost: places.ts.
 */
export const nameKey = (name: string): string => `=${name}`;
