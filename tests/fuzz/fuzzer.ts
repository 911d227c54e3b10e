/**
 * What a fuzzer is. A module `config_*.ts`, `nvme_*.ts`, ... of this folder exports `fuzzers`; the corpus of each lies
 * in `corpus/NAME` and is replayed in every test run (corpus_test.ts).
 */
export interface Fuzzer {
  /** Lower-case letters, digits, dashes. */
  readonly name: string;
  /** Good inputs to begin with. */
  readonly seeds: readonly Uint8Array[];
  /**
   * Feeds one input to the parser and checks what must hold for any input; throws when it does not.
   * Gives what the outcome was, as one or more lines of text, each a kind of its own: an input with a line that no
   * input before had is worth keeping. Lines tell what the parser met, not how often or in which combination:
   * combinations multiply, and what is new drowns in them.
   */
  run(input: Uint8Array): string;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

export const bytesOf = (text: string): Uint8Array => encoder.encode(text);
/** Any bytes as text; what is not UTF-8 becomes U+FFFD. */
export const textOf = (bytes: Uint8Array): string => decoder.decode(bytes);

/** Outcomes that differ in numbers and quoted texts only are of one kind. */
export function kindOf(outcome: string): string {
  return outcome.replace(/"(?:[^"\\]|\\.)*"/g, "''").replace(/\d+/g, "#").slice(0, 200);
}

/** An outcome with several kinds in it. */
export const kindsOf = (...kinds: readonly string[]): string => [...new Set(kinds)].join("\n");

/** A fuzzer of a parser that takes text. */
export function textFuzzer(name: string, seeds: readonly string[], run: (text: string) => string): Fuzzer {
  return { name, seeds: seeds.map(bytesOf), run: (input) => run(textOf(input)) };
}
