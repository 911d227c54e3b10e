/** Runs in a namespace: tells the interfaces, now and at each change, until its input ends. */
import { InterfaceMonitor } from "../../../src/lib/linux/interfaces.ts";
import { Reactor } from "../../../src/lib/linux/reactor.ts";
import type { InterfaceTable } from "../../../src/lib/nvme/kernel_ctrl.ts";

const tell = (what: string, table: InterfaceTable): void =>
  console.log(JSON.stringify({ what, table: Object.fromEntries(table) }));

const reactor = new Reactor();
const monitor = new InterfaceMonitor(reactor, (table) => tell("changed", table));
tell("first", monitor.first);
for await (const _ of Deno.stdin.readable) continue;
monitor.close();
await reactor.close();
