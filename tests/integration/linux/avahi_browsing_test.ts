/** What Avahi says, one signal at a time: no announcement ends the daemon. */
import assert from "node:assert/strict";
import type { Reply, SignalMessage } from "../../../src/lib/dbus/bus.ts";
import { AvahiBrowsing, type AvahiBus, SERVICE_BROWSER } from "../../../src/lib/linux/avahi_browsing.ts";
import { sys } from "../../../src/lib/linux/ffi_libc.ts";
import type { MdnsEvent } from "../../../src/lib/ports.ts";

// The library of the interfaces' names is loaded for good.
sys.interfaceName(1);

const TYPE = "_nvme-disc._tcp";

Deno.test("an announcement on no interface, or with arguments of other types, is left out; the next one is resolved", async () => {
  const calls: string[] = [];
  const bus: AvahiBus = {
    call: ({ member, args }): Promise<Reply> => {
      calls.push([member, ...args ?? []].join(" "));
      return Promise.resolve({ ok: true, sender: ":1.1", signature: "o", body: [`/${calls.length}`] });
    },
    addMatch: () => Promise.resolve({ ok: true, remove: () => {} }),
    watchName: () => Promise.resolve({ ok: true, remove: () => {} }),
  };
  const events: MdnsEvent[] = [];
  const browsing = new AvahiBrowsing(bus, (event) => events.push(event), () => {});
  await browsing.ask([TYPE]);
  assert.deepEqual(calls, [`ServiceBrowserNew -1 -1 ${TYPE} local 2`]);
  const signal = (member: string, ...body: readonly unknown[]): SignalMessage => ({
    sender: ":1.1",
    path: "/1",
    interface: SERVICE_BROWSER,
    member,
    signature: "iisssu",
    body,
  });
  const bad = [[-1, 0], [0, 0], [-(2 ** 31), 0], ["lo", 0], [1.5, 0], [1, null], []];
  for (const [iface, protocol] of bad) {
    for (const member of ["ItemNew", "ItemRemove"]) {
      browsing.signal(signal(member, iface, protocol, "a", TYPE, "local", 0));
    }
  }
  assert.deepEqual([calls.length, events], [1, []]);
  browsing.signal(signal("ItemNew", 1, 0, "a", TYPE, "local", 0));
  assert.deepEqual(calls.slice(1), [`ServiceResolverNew 1 0 a ${TYPE} local 0 2`]);
});
