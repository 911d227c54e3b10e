/** Runs in a namespace: tests the addresses that come as JSON lines, and tells the outcomes. */
import { Reach } from "../../../src/lib/linux/reach.ts";
import { Reactor } from "../../../src/lib/linux/reactor.ts";
import { milliseconds } from "../../../src/lib/base/time.ts";

const reactor = new Reactor();
const reach = new Reach(reactor);
let rest = "";
for await (const chunk of Deno.stdin.readable.pipeThrough(new TextDecoderStream())) {
  const lines = (rest + chunk).split("\n");
  rest = lines.pop() ?? "";
  for (const line of lines) {
    const { id, timeout, ...tid } = JSON.parse(line);
    const full = { transport: "tcp", subsysnqn: "", hostTraddr: "", hostIface: "", hostNqn: "", ...tid };
    console.log(JSON.stringify({ id, outcome: await reach.test(full, milliseconds(timeout)) }));
  }
}
await reactor.close();
