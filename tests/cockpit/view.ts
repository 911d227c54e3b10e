/** A page of Cockpit as a person sees and uses it, wherever its frame is: alone, or in Cockpit's shell. */
import assert from "node:assert/strict";
import type { Frame, Page } from "puppeteer-core";

/** The longest that anything may take; only a failure takes as long. */
const BOUND_MS = 90_000;

export class View {
  readonly #frame: () => Frame | undefined;
  readonly #boundMs: number;

  /** `frame` is asked each time: Cockpit's shell makes frames, and a reload replaces one. */
  constructor(frame: () => Frame | undefined, boundMs: number = BOUND_MS) {
    this.#frame = frame;
    this.#boundMs = boundMs;
  }

  /** What an expression of the page's gives. */
  async evaluate(expression: string): Promise<unknown> {
    return await this.#shown().evaluate(expression);
  }

  /** The whole text of the page, as it is drawn; undefined while it is missing, or another one replaces it. */
  async text(): Promise<string | undefined> {
    try {
      const text = await this.#frame()?.evaluate("document.body?.innerText");
      return typeof text === "string" ? text : undefined;
    } catch (error) {
      if (error instanceof Error && /context was destroyed|detached/.test(error.message)) return undefined;
      throw error;
    }
  }

  /** Waits until the page's text is as `is` says. */
  async until(what: string, is: (text: string) => boolean): Promise<string> {
    const end = performance.now() + this.#boundMs;
    for (;;) {
      const text = await this.text();
      if (text !== undefined && is(text)) return text;
      if (performance.now() > end) assert.fail(`${what} is not seen; the page says:\n${text ?? ""}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  see(...parts: readonly (string | RegExp)[]): Promise<string> {
    return this.until(
      parts.join(", "),
      (text) => parts.every((part) => typeof part === "string" ? text.includes(part) : part.test(text)),
    );
  }

  missing(...parts: readonly string[]): Promise<string> {
    return this.until(`without ${parts.join(", ")}`, (text) => parts.every((part) => !text.includes(part)));
  }

  /** By its role and name, as a screen reader finds it. */
  async click(role: string, name: string): Promise<void> {
    await this.#find(`::-p-aria([name="${name}"][role="${role}"])`).click();
  }

  async choose(name: string, value: string): Promise<void> {
    await this.#find(`select[aria-label="${name}"]`).fill(value);
  }

  async type(name: string, text: string): Promise<void> {
    await this.fill(`[aria-label="${name}"]`, text);
  }

  /** For Cockpit's own fields and buttons, by the marks that its own tests use. */
  async fill(selector: string, text: string): Promise<void> {
    // As a person does: the old text is selected, and typed over. What a script writes there, React may take back.
    const locator = this.#find(selector);
    await locator.click();
    await this.evaluate(`document.querySelector(${JSON.stringify(selector)}).select()`);
    const field = await locator.waitHandle();
    await field.type(text);
    await field.dispose();
  }

  async press(selector: string): Promise<void> {
    await this.#find(selector).click();
  }

  #find(selector: string) {
    return this.#shown().locator(selector).setTimeout(this.#boundMs);
  }

  #shown(): Frame {
    const frame = this.#frame();
    assert.ok(frame !== undefined, "the page is not shown");
    return frame;
  }
}

/** What a page does that none of ours may. */
export interface Conduct {
  /** Requests that went to something else than Cockpit's web server. */
  readonly strayRequests: string[];
  /** Errors of the page, and what its content security policy refused, each with its place. */
  readonly complaints: string[];
}

export function watchConduct(page: Page, origin: string): Conduct {
  const conduct: Conduct = { strayRequests: [], complaints: [] };
  page.on("request", (request) => {
    const url = request.url();
    if (!url.startsWith(`${origin}/`) && !/^(?:data|blob|about):/.test(url)) conduct.strayRequests.push(url);
  });
  page.on("console", (message) => {
    if (message.type() === "error") {
      conduct.complaints.push(`${message.text()} (${message.location().url ?? ""})`);
    }
  });
  page.on("pageerror", (error) => conduct.complaints.push(String(error)));
  return conduct;
}
