import assert from "node:assert/strict";
import { Bus, BusErrors, type Reply } from "../../../src/lib/dbus/bus.ts";
import { milliseconds, seconds } from "../../../src/lib/base/time.ts";
import { privateBus } from "./private_bus.ts";

async function connect(address: string): Promise<Bus> {
  const result = await Bus.connect(address);
  assert.ok(result.ok, result.ok ? "" : result.error.message);
  return result.bus;
}

const errorName = (reply: Reply): string => reply.ok ? "no error" : reply.error.name;

Deno.test("a call reaches an exported object and its answer comes back, of any size below the limit", async () => {
  await using daemon = await privateBus();
  const server = await connect(daemon.address);
  const client = await connect(daemon.address);
  server.exportObject(
    "/a/b",
    (call) => ({
      ok: true,
      signature: call.signature,
      body: [call.body[0] === 1 ? 2 : String(call.body[0])],
    }),
  );
  assert.deepEqual(await server.requestName("org.example.a"), { ok: true });
  const long = "x".repeat(3_000_000) + "\u00e9\u20ac";
  const reply = await client.call({
    destination: "org.example.a",
    path: "/a/b",
    interface: "org.example.a",
    member: "Echo",
    signature: "s",
    args: [long],
  });
  assert.ok(reply.ok);
  assert.deepEqual(reply.body, [long]);
  client.close();
  server.close();
  await Promise.all([client.closed, server.closed]);
});

Deno.test("a name that is taken is told, with the process that has it", async () => {
  await using daemon = await privateBus();
  const first = await connect(daemon.address);
  const second = await connect(daemon.address);
  assert.deepEqual(await first.requestName("org.example.a"), { ok: true });
  const refused = await second.requestName("org.example.a");
  assert.ok(!refused.ok && refused.taken);
  assert.match(refused.error.message, new RegExp(`process ${Deno.pid}\\b`));
  first.close();
  second.close();
});

Deno.test("every call settles: error replies, time-outs and a bus that is killed are data", async () => {
  await using daemon = await privateBus();
  const server = await connect(daemon.address);
  const client = await connect(daemon.address);
  server.exportObject("/slow", () => new Promise(() => {}));
  const slow = { destination: server.uniqueName, path: "/slow", interface: "org.example.a", member: "Never" };
  assert.equal(
    errorName(await client.call({ ...slow, destination: "org.example.none" })),
    BusErrors.serviceUnknown,
  );
  assert.equal(errorName(await client.call({ ...slow, path: "/none" })), BusErrors.unknownObject);
  assert.equal(
    errorName(await client.call({ ...slow, signature: "s", args: ["a\0b"] })),
    BusErrors.invalidArgs,
  );
  assert.equal(
    errorName(await client.call({ ...slow, signature: "s", args: ["x".repeat(33 * 1024 * 1024)] })),
    BusErrors.limitsExceeded,
  );
  assert.equal(errorName(await client.call({ ...slow, timeout: milliseconds(50) })), BusErrors.noReply);
  const pending = Array.from({ length: 100 }, () => client.call({ ...slow, timeout: seconds(60) }));
  await client.callBus("GetId", "", []);
  await daemon.kill();
  for (const reply of await Promise.all(pending)) assert.equal(errorName(reply), BusErrors.disconnected);
  await client.closed;
  assert.equal(errorName(await client.call(slow)), BusErrors.disconnected);
  await server.closed;
});

Deno.test("no bus, a bus that says nothing and a socket that may not be opened are told apart", async () => {
  const dir = await Deno.makeTempDir();
  const none = await Bus.connect(`unix:path=${dir}/none`);
  assert.ok(!none.ok);
  assert.equal(none.error.name, BusErrors.noServer);
  const silent = Deno.listen({ transport: "unix", path: `${dir}/silent` });
  const timedOut = await Bus.connect(`unix:path=${dir}/silent`, milliseconds(100));
  assert.ok(!timedOut.ok);
  assert.equal(timedOut.error.name, BusErrors.timeout);
  silent.close();
  await Deno.remove(dir, { recursive: true });
});

Deno.test("signals come only from the owner of the name in the rule", async () => {
  await using daemon = await privateBus();
  const owner = await connect(daemon.address);
  const liar = await connect(daemon.address);
  const client = await connect(daemon.address);
  const seen: unknown[] = [];
  const owners: string[] = [];
  const last = Promise.withResolvers<void>();
  assert.ok(
    (await client.addMatch({ sender: "org.example.a", interface: "org.example.a" }, (signal) => {
      seen.push(signal.body[0]);
      if (signal.body[0] === "last") last.resolve();
    })).ok,
  );
  // This one makes the bus deliver the lie to the client.
  assert.ok((await client.addMatch({ interface: "org.example.a" }, () => {})).ok);
  assert.ok((await client.watchName("org.example.a", (unique) => owners.push(unique))).ok);
  const signal = { path: "/a", interface: "org.example.a", member: "Changed", signature: "s" };
  owner.emitSignal({ ...signal, args: ["too early"] });
  await owner.requestName("org.example.a");
  owner.emitSignal({ ...signal, args: ["first"] });
  liar.emitSignal({ ...signal, args: ["a lie"] });
  await liar.callBus("GetId", "", []);
  owner.emitSignal({ ...signal, args: ["last"] });
  await last.promise;
  assert.deepEqual(seen, ["first", "last"]);
  assert.deepEqual(owners, ["", owner.uniqueName]);
  for (const bus of [owner, liar, client]) bus.close();
});

Deno.test("parents of an exported path can be walked", async () => {
  await using daemon = await privateBus();
  const bus = await connect(daemon.address);
  bus.exportObject("/org/example/a", () => ({ ok: true, signature: "", body: [] }));
  const reply = await bus.call({
    destination: bus.uniqueName,
    path: "/org",
    interface: "org.freedesktop.DBus.Introspectable",
    member: "Introspect",
  });
  assert.ok(reply.ok);
  assert.match(String(reply.body[0]), /<node name="example"\/>/);
  bus.close();
});
