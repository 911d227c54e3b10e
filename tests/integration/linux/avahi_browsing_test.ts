/** What Avahi says, one signal at a time: no announcement ends the daemon. */
import assert from "node:assert/strict";
import type { Reply, SignalMessage } from "../../../src/lib/dbus/bus.ts";
import {
  AvahiBrowsing,
  type AvahiBus,
  MAX_ITEMS,
  SERVICE_BROWSER,
} from "../../../src/lib/linux/avahi_browsing.ts";
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

/** Avahi on a bus that answers at once; each new object has a path of its own. */
class FakeAvahi {
  readonly events: MdnsEvent[] = [];
  readonly freed: string[] = [];
  readonly browsers: string[] = [];
  readonly resolvers = new Map<string, string>();
  readonly browsing: AvahiBrowsing;
  #objects = 0;

  constructor() {
    const bus: AvahiBus = {
      call: ({ member, args = [], path }): Promise<Reply> => {
        const made = `/${++this.#objects}`;
        if (member === "Free") this.freed.push(path);
        if (member === "ServiceBrowserNew") this.browsers.push(made);
        if (member === "ServiceResolverNew") this.resolvers.set(String(args[2]), made);
        return Promise.resolve({ ok: true, sender: ":1.1", signature: "o", body: [made] });
      },
      addMatch: () => Promise.resolve({ ok: true, remove: () => {} }),
      watchName: () => Promise.resolve({ ok: true, remove: () => {} }),
    };
    this.browsing = new AvahiBrowsing(bus, (event) => this.events.push(event), () => {});
  }

  item(member: "ItemNew" | "ItemRemove", name: string, iface = 1, path = this.browsers.at(-1) ?? ""): void {
    this.browsing.signal({
      sender: ":1.1",
      path,
      interface: SERVICE_BROWSER,
      member,
      signature: "iisssu",
      body: [iface, 0, name, TYPE, "local", 0],
    });
  }
}

const settled = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 0));

Deno.test("V7: after 10,000 announcements and withdrawals a late service is asked for: what was left out is browsed for anew", async () => {
  const avahi = new FakeAvahi();
  await avahi.browsing.ask([TYPE]);
  for (let n = 0; n < 10_000; n++) avahi.item("ItemNew", `hostile${n}`);
  avahi.item("ItemNew", "rightful");
  await settled();
  assert.equal(avahi.resolvers.size, MAX_ITEMS);
  assert.equal(avahi.resolvers.has("rightful"), false);
  assert.equal(avahi.events.filter(({ type }) => type === "mdns-problem").length, 1, "said once");
  for (let n = 0; n < 10_000; n++) avahi.item("ItemRemove", `hostile${n}`, 1, avahi.browsers[0]);
  await settled();
  assert.equal(avahi.browsers.length, 2, "one new browser");
  assert.ok(avahi.freed.includes(avahi.browsers[0] ?? ""), "and the old one is freed");
  // A new browser tells all that is announced.
  avahi.item("ItemNew", "rightful");
  await settled();
  assert.ok(avahi.resolvers.has("rightful"));
});

Deno.test("S16: a flood on one interface leaves room for another; what gave way and is withdrawn is told", async () => {
  const avahi = new FakeAvahi();
  await avahi.browsing.ask([TYPE]);
  for (let n = 0; n < MAX_ITEMS; n++) avahi.item("ItemNew", `hostile${n}`, 1);
  await settled();
  avahi.item("ItemNew", "rightful", 2);
  await settled();
  assert.ok(avahi.resolvers.has("rightful"));
  avahi.item("ItemRemove", "hostile0", 1);
  assert.equal(avahi.events.some(({ type }) => type === "service-gone"), true);
});
