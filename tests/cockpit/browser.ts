/** A headless Chromium of the distribution, driven by puppeteer-core over a socket of its own. */
import assert from "node:assert/strict";
import puppeteer, { type Browser } from "puppeteer-core";

export interface Running {
  readonly browser: Browser;
  close(): Promise<void>;
}

const FLAGS = [
  "--headless=new",
  // As root, as in a container, there is no sandbox to be had.
  "--no-sandbox",
  "--disable-gpu",
  "--disable-dev-shm-usage",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-default-apps",
  "--disable-sync",
  "--no-first-run",
  "--force-color-profile=srgb",
  "--font-render-hinting=none",
  "--hide-scrollbars",
  "--remote-debugging-port=0",
];

/** `more` are flags of Chromium's. */
export async function openBrowser(more: readonly string[] = []): Promise<Running> {
  const profile = await Deno.makeTempDir({ prefix: "nvme-stas-browser-" });
  const child = new Deno.Command("chromium", {
    args: [...FLAGS, ...more, `--user-data-dir=${profile}`, "about:blank"],
    env: { HOME: profile, LC_ALL: "C.UTF-8" },
    stdin: "null",
    stdout: "null",
    stderr: "piped",
    // It is many processes, which end with their group.
    detached: true,
  }).spawn();
  const [forAddress, forRest] = child.stderr.tee();
  const said = new Response(forRest).text();
  const reader = forAddress.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  let address: string | undefined;
  while (address === undefined) {
    const { value, done } = await reader.read();
    if (done) break;
    text += value;
    address = /DevTools listening on (ws:\S+)/.exec(text)?.[1];
  }
  await reader.cancel();
  assert.ok(address !== undefined, `chromium does not start: ${text}`);
  const browser = await puppeteer.connect({ browserWSEndpoint: address, defaultViewport: null });
  return {
    browser,
    close: async () => {
      await browser.disconnect();
      try {
        Deno.kill(-child.pid, "SIGKILL");
      } catch (error) {
        if (!(error instanceof Deno.errors.NotFound)) throw error;
      }
      await child.status;
      await said;
      await Deno.remove(profile, { recursive: true });
    },
  };
}
