/** A person's visit to the page: a simulated host, Cockpit's web server, a browser, and what is seen and clicked. */
import assert from "node:assert/strict";
import type { Page } from "puppeteer-core";
import { SimulatedHost } from "../../demo/cockpit/host.ts";
import { startWebServer } from "../../demo/cockpit/web_server.ts";
import type { World } from "../../src/lib/sim/world.ts";
import { capture } from "../../scripts/run.ts";
import { openBrowser } from "./browser.ts";
import { type Conduct, View, watchConduct } from "./view.ts";

const DATA_DIR = `${Deno.cwd()}/build/cockpit/share`;

export interface Circumstances {
  readonly world: World;
  readonly starts?: readonly ("stafd" | "stacd")[];
  /** Who is logged in; undefined: this process's user. */
  readonly uid?: number;
  readonly width?: number;
  readonly height?: number;
  readonly dark?: boolean;
  /** Other packages of this Cockpit, by name, with their manifests. */
  readonly packages?: Readonly<Record<string, object>>;
}

export class Visit extends View {
  readonly host: SimulatedHost;
  readonly page: Page;
  readonly conduct: Conduct;
  readonly #address: string;

  constructor(host: SimulatedHost, page: Page, address: string) {
    super(() => page.mainFrame());
    this.host = host;
    this.page = page;
    this.#address = address;
    this.conduct = watchConduct(page, new URL(address).origin);
  }

  async open(hash = "#/"): Promise<void> {
    await this.page.goto(`${this.#address}${hash}`);
  }
}

/** The page with packages of Cockpit beside it, by their names: what the manifest of each says. */
async function besides(packages: Readonly<Record<string, object>>): Promise<string> {
  const folder = await Deno.makeTempDir({ prefix: "nvme-stas-pages-" });
  await capture(["cp", "-r", `${DATA_DIR}/.`, folder]);
  for (const [name, manifest] of Object.entries(packages)) {
    await Deno.mkdir(`${folder}/cockpit/${name}`);
    await Deno.writeTextFile(`${folder}/cockpit/${name}/manifest.json`, JSON.stringify(manifest));
  }
  await capture(["chmod", "-R", "u=rwX,go=rX", folder]);
  return folder;
}

/** The page is opened by the test. */
export async function visited(
  { world, starts = ["stafd", "stacd"], uid, width = 1280, height = 900, dark = false, packages = {} }:
    Circumstances,
  test: (visit: Visit) => Promise<void>,
): Promise<void> {
  const host = await SimulatedHost.open(world);
  const dataDir = await besides(packages);
  try {
    for (const daemon of starts) await host.start(daemon);
    const session = { host, dataDir, ...(uid === undefined ? {} : { uid }) };
    const [server, running] = await Promise.all([startWebServer(session), openBrowser()]);
    try {
      const page = await running.browser.newPage();
      await page.setViewport({ width, height });
      await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: dark ? "dark" : "light" }]);
      const visit = new Visit(host, page, server.page);
      await test(visit);
      assert.deepEqual(visit.conduct.strayRequests, [], "no request leaves the host");
      assert.deepEqual(visit.conduct.complaints, [], "the page and its policy complain of nothing");
    } finally {
      await running.close();
      await server.close();
    }
  } finally {
    await host.close();
    await Deno.remove(dataDir, { recursive: true });
  }
}
