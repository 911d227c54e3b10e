/** How the demo shows itself: headings, what it waits for and has reached, and the commands with what they print. */
import type { Style } from "../src/ctl/style.ts";
import { shortened, wrapped } from "../src/ctl/text_width.ts";
import type { Sink } from "../src/ctl/world.ts";

const INDENT = "  ";
/** Lines longer than this are hard to read, however wide the terminal is. */
const WIDEST = 100;
const FRAME_MS = 80;
const READING_MS = 1_000;

interface Signs {
  readonly done: string;
  readonly frames: readonly string[];
}

const UNICODE: Signs = {
  done: "\u2713",
  frames: [
    "\u280b",
    "\u2819",
    "\u2839",
    "\u2838",
    "\u283c",
    "\u2834",
    "\u2826",
    "\u2827",
    "\u2807",
    "\u280f",
  ],
};
const ASCII: Signs = { done: "*", frames: ["|", "/", "-", "\\"] };

export class Screen {
  readonly #out: Sink;
  readonly style: Style;
  readonly #signs: Signs;
  #headings = 0;
  /** The latest that a daemon logged. */
  #note = "";
  #timer: number | undefined;
  #ended = false;

  constructor(out: Sink, style: Style) {
    this.#out = out;
    this.style = style;
    // The tools' own signs are beyond ASCII where the terminal can show such.
    this.#signs = /^[ -~]*$/.test(style.mark) ? ASCII : UNICODE;
  }

  /** Columns that a command has. */
  get columns(): number {
    return this.#out.columns - INDENT.length;
  }

  title(text: string, more: string): void {
    this.#write(`\n${this.style.paint("strong", text)}\n`);
    this.say(more);
  }

  closing(text: string, more: string): void {
    this.title(text, more);
    this.print("");
  }

  /** Time to read, on a terminal. */
  pause(): Promise<void> {
    return new Promise((resolve) => setTimeout(resolve, this.#out.isTerminal ? READING_MS : 0));
  }

  heading(text: string): void {
    this.#headings += 1;
    this.#write(`\n${this.style.paint("strong", `${this.#headings}. ${text}`)}\n`);
  }

  /** A text for the reader, in lines that fit. */
  say(text: string): void {
    for (const line of wrapped(text, Math.min(this.columns, WIDEST))) this.print(line);
  }

  command(line: string): void {
    this.print("");
    this.print(`${this.style.paint("faint", "$")} ${this.style.paint("strong", line)}`);
  }

  print(line: string): void {
    this.#write(line === "" ? "\n" : `${INDENT}${line}\n`);
  }

  /** Shown beside what is awaited, on a terminal. */
  note(text: string): void {
    this.#note = text;
  }

  /** Shows what is awaited, then that it has happened and how long it took. The result says what it was. */
  async progress<T>(what: string, work: Promise<T>, done: (value: T) => string): Promise<T> {
    const begin = performance.now();
    const passed = (): string => spanText(performance.now() - begin);
    let turn = 0;
    const draw = (): void => {
      const frame = this.#signs.frames[turn++ % this.#signs.frames.length] ?? "";
      const head = `${INDENT}${this.style.paint("busy", frame)} ${what} `;
      // The "^C" that a terminal echoes must not break the line.
      const room = this.columns - what.length - 3 - "^C".length - 1;
      const more = shortened(`${passed()}  ${this.#note}`, room, this.style.mark, "end");
      this.#write(`\r\x1b[K${head}${this.style.paint("faint", more)}`);
    };
    this.#note = "";
    if (this.#out.isTerminal) this.#timer = setInterval(draw, FRAME_MS);
    try {
      const value = await work;
      this.#clear();
      this.#tick(done(value), passed());
      return value;
    } finally {
      this.#clear();
    }
  }

  #tick(text: string, time: string): void {
    const [first = "", ...rest] = wrapped(`${text} (${time})`, Math.min(this.columns, WIDEST) - 2);
    const paint = (line: string): string =>
      line.replace(`(${time})`, (shown) => this.style.paint("faint", shown));
    this.print(`${this.style.paint("good", this.#signs.done)} ${paint(first)}`);
    for (const line of rest) this.print(`${INDENT}${paint(line)}`);
  }

  /** Nothing is shown any more, whatever is still under way. */
  end(): void {
    this.#clear();
    this.#ended = true;
  }

  #clear(): void {
    if (this.#timer === undefined) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#write("\r\x1b[K");
  }

  #write(text: string): void {
    if (!this.#ended) this.#out.write(text);
  }
}

const spanText = (ms: number): string => ms < 995 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`;
