/** stafd on this machine. */
import { runStafd } from "./lib/daemon/stafd_program.ts";
import { Avahi } from "./lib/linux/avahi.ts";
import { libraryVersion } from "./lib/linux/libnvme.ts";
import { linuxPlatform } from "./lib/linux/platform.ts";
import { UdevRule } from "./lib/linux/udev_rule.ts";
import { SystemdUnits } from "./lib/linux/units.ts";

export function main(args: readonly string[]): Promise<number> {
  return runStafd({
    open: ({ syslog }) => {
      const platform = linuxPlatform("stafd", syslog);
      const { log } = platform;
      const udevRule = new UdevRule(log);
      return {
        ...platform,
        mdns: new Avahi(),
        units: new SystemdUnits(log, undefined, udevRule.isSettled),
        udevRule,
      };
    },
    libraryVersion,
  }, args);
}
