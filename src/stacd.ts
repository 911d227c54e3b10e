/** stacd on this machine. */
import { runStacd } from "./lib/daemon/stacd_program.ts";
import { libraryVersion } from "./lib/linux/libnvme.ts";
import { linuxPlatform } from "./lib/linux/platform.ts";

export function main(args: readonly string[]): Promise<number> {
  return runStacd({
    open: ({ syslog }) => linuxPlatform("stacd", syslog),
    libraryVersion,
  }, args);
}
