/** A person's visit to the page: a simulated host, Cockpit's web server, a browser, and what is seen and clicked. */
import assert from "node:assert/strict";
import type { Page } from "puppeteer-core";
import { SimulatedHost } from "../../demo/cockpit/host.ts";
import { startWebServer } from "../../demo/cockpit/web_server.ts";
import type { World } from "../../src/lib/sim/world.ts";
import { openBrowser } from "./browser.ts";

export const DATA_DIR = `${Deno.cwd()}/build/cockpit/share`;
/** The longest that anything may take; only a failure takes as long. */
const BOUND_MS = 90_000;

export interface Circumstances {
  readonly world: World;
  readonly starts?: readonly ("stafd" | "stacd")[];
  /** Who is logged in; undefined: this process's user. */
  readonly uid?: number;
  readonly width?: number;
  readonly height?: number;
  readonly dark?: boolean;
}

export class Visit {
  readonly host: SimulatedHost;
  readonly page: Page;
  /** Requests that went to something else than Cockpit's web server. */
  readonly strayRequests: string[] = [];
  /** Errors of the page, and what its content security policy refused. */
  readonly complaints: string[] = [];
  readonly #address: string;

  constructor(host: SimulatedHost, page: Page, address: string) {
    this.host = host;
    this.page = page;
    this.#address = address;
    const origin = new URL(address).origin;
    page.on("request", (request) => {
      const url = request.url();
      if (!url.startsWith(`${origin}/`) && !url.startsWith("data:")) this.strayRequests.push(url);
    });
    page.on("console", (message) => {
      if (message.type() === "error") this.complaints.push(message.text());
    });
    page.on("pageerror", (error) => this.complaints.push(String(error)));
  }

  async open(hash = "#/"): Promise<void> {
    await this.page.goto(`${this.#address}${hash}`);
  }

  /** The whole text of the page, as it is drawn. */
  async text(): Promise<string> {
    return String(await this.page.evaluate("document.body.innerText"));
  }

  /** What an expression of the page's gives. */
  evaluate(expression: string): Promise<unknown> {
    return this.page.evaluate(expression);
  }

  /** Waits until the page's text is as `is` says. */
  async until(what: string, is: (text: string) => boolean): Promise<string> {
    const end = performance.now() + BOUND_MS;
    for (;;) {
      const text = await this.text();
      if (is(text)) return text;
      if (performance.now() > end) assert.fail(`${what} is not seen; the page says:\n${text}`);
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
    await this.page.locator(`::-p-aria([name="${name}"][role="${role}"])`).setTimeout(BOUND_MS).click();
  }

  async choose(name: string, value: string): Promise<void> {
    await this.page.locator(`select[aria-label="${name}"]`).setTimeout(BOUND_MS).fill(value);
  }

  async type(name: string, text: string): Promise<void> {
    await this.page.locator(`[aria-label="${name}"]`).setTimeout(BOUND_MS).fill(text);
  }
}

/** The page is opened by the test. */
export async function visited(
  { world, starts = ["stafd", "stacd"], uid, width = 1280, height = 900, dark = false }: Circumstances,
  test: (visit: Visit) => Promise<void>,
): Promise<void> {
  const host = await SimulatedHost.open(world);
  try {
    for (const daemon of starts) await host.start(daemon);
    const session = { host, dataDir: DATA_DIR, ...(uid === undefined ? {} : { uid }) };
    const [server, running] = await Promise.all([startWebServer(session), openBrowser()]);
    try {
      const page = await running.browser.newPage();
      await page.setViewport({ width, height });
      await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: dark ? "dark" : "light" }]);
      const visit = new Visit(host, page, server.page);
      await test(visit);
      assert.deepEqual(visit.strayRequests, [], "no request leaves the host");
      assert.deepEqual(visit.complaints, [], "the page and its policy complain of nothing");
    } finally {
      await running.close();
      await server.close();
    }
  } finally {
    await host.close();
  }
}
