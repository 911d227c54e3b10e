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
    await visited({ world: buildSite().world, ...look }, async (visit) => {
      const take = async (part: string): Promise<void> => {
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
      await visit.page.locator("button[aria-label='Details']").click();
      await visit.see("192.168.20.13:4420");
      await take("subsystems");
    });
  }
  return true;
}

if (import.meta.main) await runScript("screenshots:cockpit", main);
