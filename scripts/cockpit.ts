/** `deno task cockpit`: the page of Cockpit on the demo's simulated site, to look at without hardware. */
import { SimulatedHost } from "../demo/cockpit/host.ts";
import { startWebServer } from "../demo/cockpit/web_server.ts";
import { buildSite } from "../demo/site.ts";
import { realWorld } from "../src/ctl/world.ts";
import { bundlePage } from "./cockpit/bundle.ts";
import { COCKPIT_NEEDS } from "./cockpit/needs.ts";
import { runScript } from "./run.ts";
import { providePackages } from "./system_packages.ts";
import { taskArguments, usageError } from "./task_arguments.ts";

const USAGE = `usage: deno task cockpit [--port NUMBER]

Starts stafd and stacd on the demo's simulated site and Cockpit's web server with a session that needs no login, and
prints the address of the page. Only this machine can reach it. Ctrl-C ends all.

  --port NUMBER  where Cockpit listens (default: 9091)
`;

async function main(): Promise<boolean> {
  const { values } = taskArguments(USAGE, { options: { port: { type: "string", default: "9091" } } });
  const port = Number(values.port);
  if (!Number.isInteger(port) || port < 1 || port > 65_535) {
    usageError(USAGE, `--port ${values.port}: give a port, such as 9091`);
  }
  await providePackages(COCKPIT_NEEDS);
  const interrupted = realWorld().interrupted();
  const dataDir = `${Deno.cwd()}/build/cockpit/share`;
  await bundlePage(`${dataDir}/cockpit/nvme-stas`);
  const host = await SimulatedHost.open(buildSite().world);
  try {
    await host.start("stafd");
    await host.start("stacd");
    const server = await startWebServer({ host, dataDir, port });
    console.log(`The page on a simulated host: ${server.page}\nCtrl-C here ends it.`);
    await interrupted;
    await server.close();
    return true;
  } finally {
    await host.close();
  }
}

if (import.meta.main) await runScript("cockpit", main);
