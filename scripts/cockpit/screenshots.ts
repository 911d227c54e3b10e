/** `deno task screenshots:cockpit`: each part of the page of Cockpit as a picture, light and dark, wide and narrow. */
import { buildSite } from "../../demo/site.ts";
import { runScript } from "../run.ts";
import { providePackages } from "../system_packages.ts";
import { taskArguments } from "../task_arguments.ts";
import { visited } from "../../tests/cockpit/visit.ts";
import { bundlePage } from "./bundle.ts";
import { BROWSER_NEEDS, COCKPIT_NEEDS } from "./needs.ts";

const FOLDER = "docs/screenshots";
const LOOKS = [
  { name: "wide", width: 1280, height: 900, dark: false },
  { name: "wide-dark", width: 1280, height: 900, dark: true },
  { name: "narrow", width: 400, height: 900, dark: false },
  { name: "narrow-dark", width: 400, height: 900, dark: true },
] as const;

/** What is typed into stacd.conf. */
const TRIED = `[Controllers]
exclude = nqn=nqn.2025-01.com.example:orders
[Global]
kato = never
`;

const USAGE = `usage: deno task screenshots:cockpit [--out DIR]

Takes the pictures of the page of Cockpit on the demo's simulated site, light and dark, wide and narrow.

  --out DIR  where they go (default: ${FOLDER})
`;

async function main(): Promise<boolean> {
  const { values } = taskArguments(USAGE, { options: { out: { type: "string", default: FOLDER } } });
  await providePackages([...COCKPIT_NEEDS, ...BROWSER_NEEDS]);
  await bundlePage("build/cockpit/share/cockpit/nvme-stas");
  await Deno.mkdir(values.out, { recursive: true });
  for (const { name, ...look } of LOOKS) {
    const { world, orders } = buildSite();
    world.kernel.devices.namespaces.mount(orders[0].nqn, "/srv/orders");
    await visited({ world, ...look }, async (visit) => {
      const take = async (part: string): Promise<void> => {
        // The page scrolls inside: the window is made as high as what it holds.
        await visit.page.setViewport({ width: look.width, height: look.height });
        const more = Number(
          await visit.evaluate(
            "(() => { const main = document.querySelector('main'); return main.scrollHeight - main.clientHeight; })()",
          ),
        );
        await visit.page.setViewport({ width: look.width, height: look.height + Math.max(0, more) });
        await Deno.writeFile(
          `${values.out}/cockpit-${part}-${name}.png`,
          await visit.page.screenshot({ fullPage: true }),
        );
      };
      await visit.open();
      await visit.see("3 of 4, 1 failing", "3 subsystems");
      await take("overview");
      await visit.open("#/subsystems");
      await visit.see("3 subsystems, 4 paths");
      await visit.click("button", "Show paths of nqn.2025-01.com.example:backup");
      await visit.click("button", "Show paths of nqn.2025-01.com.example:orders");
      await visit.see("192.168.20.13:4420", "100 GiB", "mounted on /srv/orders");
      await take("subsystems");
      await visit.click("link", "tcp 192.168.20.13:4420");
      await visit.see("Wanted by", "Remedy");
      await take("details");
      await visit.open("#/configuration");
      await visit.see("No findings.");
      await visit.type("Text of stacd.conf", TRIED);
      await visit.see("Line 4");
      await visit.click("button", "Show the plan of this text");
      await visit.see("loses its last path");
      await take("configuration");
      await visit.open("#/services");
      await visit.see("Stop stacd", "Starts when the host boots.", "192.168.20.13");
      await take("services");
    });
  }
  return true;
}

if (import.meta.main) await runScript("screenshots:cockpit", main);
