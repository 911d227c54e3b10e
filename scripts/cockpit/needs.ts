/** What the page of Cockpit is shown and tested with. */
import { BUS_NEEDS, type Need } from "../system_packages.ts";

/** Cockpit's web server and its bridge, without a login. */
export const COCKPIT_NEEDS: readonly Need[] = [
  ...BUS_NEEDS,
  { program: "cockpit-bridge", apt: ["cockpit-bridge"], dnf: ["cockpit-bridge"] },
  {
    file: ["/usr/lib/cockpit/cockpit-ws", "/usr/libexec/cockpit-ws"],
    apt: ["cockpit-ws"],
    dnf: ["cockpit-ws"],
  },
];

export const BROWSER_NEEDS: readonly Need[] = [
  { program: "chromium", apt: ["chromium"], dnf: ["chromium-headless"] },
];
