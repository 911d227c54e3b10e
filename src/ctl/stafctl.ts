import { STAF } from "../lib/dbus/interfaces.ts";
import { runDaemonTool } from "./daemon_tool.ts";
import { realWorld, type World } from "./world.ts";

/** stafctl: shows and controls stafd. The result is the exit status. */
export function main(args: readonly string[], world: World = realWorld()): Promise<number> {
  return runDaemonTool({ name: "stafctl", daemon: "stafd", service: STAF }, args, world);
}
