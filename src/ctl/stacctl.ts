import { STAC } from "../lib/dbus/interfaces.ts";
import { runDaemonTool } from "./daemon_tool.ts";
import { realWorld, type World } from "./world.ts";

/** stacctl: shows and controls stacd. The result is the exit status. */
export function main(args: readonly string[], world: World = realWorld()): Promise<number> {
  return runDaemonTool({ name: "stacctl", daemon: "stacd", service: STAC }, args, world);
}
