/** `deno task test:cockpit`: the page of Cockpit in a browser, on simulated sites behind a real bus. */
import { bundlePage } from "./cockpit/bundle.ts";
import { BROWSER_NEEDS, COCKPIT_NEEDS } from "./cockpit/needs.ts";
import { runScript } from "./run.ts";
import { providePackages } from "./system_packages.ts";
import { taskArguments } from "./task_arguments.ts";
import { closingLine, runTests } from "./test_run.ts";

const USAGE = `usage: deno task test:cockpit

The page of Cockpit in Chromium: real daemons on simulated sites, a real bus, Cockpit's own web server and bridge. As
root it installs Chromium and Cockpit where they are missing; otherwise it says what to install.

One test, after the page was built once: deno test -A --no-check tests/cockpit --filter "text of its name"
`;

async function main(): Promise<boolean> {
  taskArguments(USAGE, {});
  await providePackages([...COCKPIT_NEEDS, ...BROWSER_NEEDS]);
  await bundlePage("build/cockpit/share/cockpit/nvme-stas");
  const counts = await runTests("cockpit", ["tests/cockpit"]);
  console.log(closingLine("cockpit", counts));
  return counts.failed === 0;
}

if (import.meta.main) await runScript("cockpit", main);
