/**
 * A name from outside as the key of a map. V8 places a text that looks like a whole number by its value, without the secret
 * that spreads all other texts: a peer could choose one place for thousands of names.
 */
export const nameKey = (name: string): string => `=${name}`;
