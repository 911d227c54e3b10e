/** Cockpit's own web server with a session that needs no login, for the page on a simulated host. */
import { capture } from "../../scripts/run.ts";
import { wholePath } from "../../scripts/system_packages.ts";
import { DemoFailure } from "../failure.ts";
import type { SimulatedHost } from "./host.ts";

/** Where distributions have it. */
const PLACES = ["/usr/lib/cockpit/cockpit-ws", "/usr/libexec/cockpit-ws"];
const START_MS = 20_000;

export interface WebServer {
  /** Of the page, without a `#`. */
  readonly page: string;
  close(): Promise<void>;
}

export interface Session {
  readonly host: SimulatedHost;
  /** A folder with `cockpit/nvme-stas` in it. */
  readonly dataDir: string;
  readonly port?: number;
  /** Who is logged in; needs root. Undefined: this process's user. */
  readonly uid?: number;
}

function program(): string {
  for (const place of PLACES) {
    try {
      if (Deno.statSync(place).isFile) return place;
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
  throw new DemoFailure("cockpit-ws is not installed");
}

function freePort(): number {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  return port;
}

export async function startWebServer({ host, dataDir, port = freePort(), uid }: Session): Promise<WebServer> {
  const home = await Deno.makeTempDir({ prefix: "nvme-stas-session-" });
  let data = dataDir;
  if (uid !== undefined) {
    // The work tree may be in a folder that this user may not enter, such as root's home.
    data = `${home}/share`;
    await capture(["cp", "-r", dataDir, data]);
    await Deno.chown(home, uid, uid);
  }
  const child = new Deno.Command(program(), {
    args: ["--no-tls", "--address", "127.0.0.1", "--port", String(port), "--local-session=cockpit-bridge"],
    env: {
      DBUS_SYSTEM_BUS_ADDRESS: host.address,
      XDG_DATA_DIRS: `${data}:/usr/share`,
      PATH: `${host.programDir}:${wholePath()}`,
      HOME: home,
      XDG_RUNTIME_DIR: home,
      LC_ALL: "C.UTF-8",
    },
    cwd: "/",
    stdin: "null",
    stdout: "null",
    stderr: "piped",
    // Its bridge is of its group, and ends with it.
    detached: true,
    ...(uid === undefined ? {} : { uid, gid: uid }),
  }).spawn();
  const said = new Response(child.stderr).text();
  const close = async (): Promise<void> => {
    endGroup(child.pid, "SIGTERM");
    await child.status;
    // Its bridge holds the same standard error.
    endGroup(child.pid, "SIGKILL");
    await said;
    await Deno.remove(home, { recursive: true });
  };
  const page = `http://127.0.0.1:${port}/cockpit/@localhost/nvme-stas/index.html`;
  const end = performance.now() + START_MS;
  while (!await answers(page)) {
    if (performance.now() > end) {
      await close();
      throw new DemoFailure(`cockpit-ws does not serve the page: ${(await said).trim()}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return { page, close };
}

function endGroup(pid: number, signal: Deno.Signal): void {
  try {
    Deno.kill(-pid, signal);
  } catch (error) {
    // It has ended by itself.
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

/** The page comes from the bridge, so that it runs when the page comes. */
async function answers(page: string): Promise<boolean> {
  try {
    const { ok, body } = await fetch(page);
    await body?.cancel();
    return ok;
  } catch (error) {
    // Nothing listens yet.
    if (!(error instanceof TypeError)) throw error;
    return false;
  }
}
