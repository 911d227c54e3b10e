/** Runs in the near namespace: browses over the bus given, kept over its restarts, and tells all events. */
import { BusKeeper } from "../../../src/lib/dbus/reconnect.ts";
import { Avahi } from "../../../src/lib/linux/avahi.ts";
import { milliseconds } from "../../../src/lib/base/time.ts";
import type { MdnsEvent } from "../../../src/lib/ports.ts";

const [address = "", wakeUp = "60000"] = Deno.args;
const tell = (event: MdnsEvent): void => {
  const txt = event.type === "service"
    ? event.service.txt.map((record) => new TextDecoder().decode(record))
    : [];
  console.log(
    JSON.stringify(event.type === "service" ? { ...event, service: { ...event.service, txt } } : event),
  );
};
const avahi = new Avahi(milliseconds(Number(wakeUp)));
avahi.watch(tell);
const keeper = new BusKeeper(address, undefined, () => {});
keeper.onBus((bus) => avahi.attach(bus), () => avahi.lost());
const started = await keeper.start();
if (!started.ok) throw new Error(started.error.message);
let rest = "";
for await (const chunk of Deno.stdin.readable.pipeThrough(new TextDecoderStream())) {
  const lines = (rest + chunk).split("\n");
  rest = lines.pop() ?? "";
  for (const line of lines) avahi.browse(line === "true");
}
avahi.browse(false);
keeper.stop();
