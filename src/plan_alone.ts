/** A plan of a daemon that does not run, on this machine. */
import { planAlone as plan } from "./lib/daemon/plan_alone.ts";
import { planMachine } from "./lib/linux/plan_machine.ts";

export const planAlone = (daemon: "stafd" | "stacd", text: string): Promise<string> =>
  plan(daemon, text, planMachine(daemon));
