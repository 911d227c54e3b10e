import assert from "node:assert/strict";
import fc from "fast-check";
import { Bus, type Value, Variant } from "../../../src/lib/dbus/bus.ts";
import { PEER, STAF } from "../../../src/lib/dbus/interfaces.ts";
import { serveStaf } from "../../../src/lib/dbus/server.ts";
import { stafHandlers } from "./fake_daemons.ts";
import { privateBus } from "./private_bus.ts";

/** A complete type with a value of it. */
const typed: fc.Arbitrary<readonly [signature: string, value: Value]> = fc.letrec<{
  any: readonly [string, Value];
}>((tie) => ({
  any: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    fc.tuple(fc.constant("s"), fc.string().map((text) => text.replaceAll("\0", ""))),
    fc.tuple(fc.constant("b"), fc.boolean()),
    fc.tuple(fc.constant("y"), fc.integer({ min: 0, max: 255 })),
    fc.tuple(fc.constant("i"), fc.integer()),
    fc.tuple(fc.constant("u"), fc.nat()),
    fc.tuple(fc.constant("t"), fc.bigInt({ min: 0n, max: 2n ** 64n - 1n })),
    fc.tuple(fc.constant("x"), fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })),
    fc.tuple(fc.constant("d"), fc.double({ noNaN: true, noDefaultInfinity: true })),
    fc.tuple(fc.constant("o"), fc.constantFrom("/", "/a", "/org/nvmexpress/staf")),
    fc.tuple(fc.constant("g"), fc.constantFrom("", "s", "a{sv}", "aaaas")),
    fc.tuple(
      fc.constant("a{ss}"),
      fc.dictionary(fc.constantFrom("a", "__proto__", "constructor"), fc.constant("x")),
    ),
    tie("any").map(([signature, value]): readonly [string, Value] => ["v", new Variant(signature, value)]),
    tie("any").map(([signature, value]): readonly [string, Value] => [`a${signature}`, [value]]),
    tie("any").map(([signature, value]): readonly [string, Value] => [`(${signature}s)`, [value, "x"]]),
  ),
})).any;

const NAMES = [
  "list_controllers",
  "get_log_pages",
  "get_all_log_pages",
  "process_info",
  "controller_info",
  "state",
  "plan",
  "explain",
  "health",
  "pages",
  "page_index",
  "page",
  "page_entries",
  "Get",
  "GetAll",
  "Set",
  "Introspect",
  "Ping",
  "GetMachineId",
  "__proto__",
  "toString",
  "hasOwnProperty",
];
const INTERFACES = [
  STAF.name,
  `${STAF.name}.debug`,
  `${STAF.name}.v1`,
  "org.freedesktop.DBus.Properties",
  "org.freedesktop.DBus.Introspectable",
  PEER,
  "org.example.none",
];

Deno.test("random calls of every type are answered, and the daemon goes on", async () => {
  await using bus = await privateBus();
  const [served, asking] = await Promise.all([Bus.connect(bus.address), Bus.connect(bus.address)]);
  assert.ok(served.ok && asking.ok);
  serveStaf(served.bus, stafHandlers());
  assert.ok((await served.bus.requestName(STAF.name)).ok);
  const client = asking.bus;
  let answered = 0;
  const errors = new Set<string>();
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...INTERFACES),
      fc.constantFrom(...NAMES),
      fc.array(typed, { maxLength: 7 }),
      async (iface, member, args) => {
        const reply = await client.call({
          destination: STAF.name,
          path: STAF.path,
          interface: iface,
          member,
          signature: args.map(([signature]) => signature).join(""),
          args: args.map(([, value]) => value),
        });
        if (reply.ok) answered += 1;
        else {
          errors.add(reply.error.name);
          // Answered by the daemon, not given up by the bus.
          assert.match(reply.error.name, /\.(?:InvalidArgs|Unknown\w+|AccessDenied)$/, reply.error.message);
          assert.ok(!/\.m?[jt]s\b|\n/.test(reply.error.message), reply.error.message);
        }
      },
    ),
    { numRuns: 600 },
  );
  // The generator reaches good calls, too.
  assert.ok(answered > 0 && errors.size >= 3, `${answered} answers, ${[...errors].join()}`);
  const ping = await client.call({
    destination: STAF.name,
    path: STAF.path,
    interface: PEER,
    member: "Ping",
  });
  assert.ok(ping.ok);
  client.close();
  served.bus.close();
});

Deno.test("an answer that is too long for the bus is an error, not the end of the connection", async () => {
  await using bus = await privateBus();
  const [served, asking] = await Promise.all([Bus.connect(bus.address), Bus.connect(bus.address)]);
  assert.ok(served.ok && asking.ok);
  let size = 40 * 1024 * 1024;
  serveStaf(served.bus, stafHandlers({ getAllLogPages: () => "x".repeat(size), processInfo: () => "a\0b" }));
  const call = { destination: served.bus.uniqueName, path: STAF.path };
  const all = { ...call, interface: STAF.name, member: "get_all_log_pages", signature: "b", args: [true] };
  const long = await asking.bus.call(all);
  assert.ok(!long.ok);
  assert.equal(long.error.name, "org.freedesktop.DBus.Error.LimitsExceeded");
  // A text that cannot be sent is the same.
  const unsendable = await asking.bus.call({
    ...call,
    interface: `${STAF.name}.debug`,
    member: "process_info",
  });
  assert.ok(!unsendable.ok);
  size = 10 * 1024 * 1024;
  const good = await asking.bus.call(all);
  assert.ok(good.ok && typeof good.body[0] === "string" && good.body[0].length === size);
  asking.bus.close();
  served.bus.close();
});
