/**
 * A DH-HMAC-CHAP or TLS key (S8). Its text is reachable by {@link Secret.reveal} only: printing,
 * inspecting, concatenating or serialising it gives `*****`.
 */
export class Secret {
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  /** The text itself. Only for the connect string. */
  reveal(): string {
    return this.#text;
  }

  toString(): string {
    return "*****";
  }

  toJSON(): string {
    return "*****";
  }

  [Symbol.for("Deno.customInspect")](): string {
    return "Secret(*****)";
  }

  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return "Secret(*****)";
  }
}
