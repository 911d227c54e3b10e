import assert from "node:assert/strict";
import { Bus } from "../../../src/lib/dbus/bus.ts";
import { STAF } from "../../../src/lib/dbus/interfaces.ts";
import { BusKeeper, type KeeperEvent } from "../../../src/lib/dbus/reconnect.ts";
import { serveStaf } from "../../../src/lib/dbus/server.ts";
import { stafHandlers } from "./fake_daemons.ts";
import { privateBus } from "./private_bus.ts";

Deno.test("a daemon comes back with its name and object after each restart of the bus", async () => {
  await using bus = await privateBus();
  const events: KeeperEvent[] = [];
  let back = Promise.withResolvers<void>();
  const keeper = new BusKeeper(bus.address, STAF.name, (event) => {
    events.push(event);
    if (event.type === "back") back.resolve();
  });
  let lost = 0;
  keeper.onBus((connection) => {
    serveStaf(connection, stafHandlers());
    return Promise.resolve(undefined);
  }, () => lost += 1);
  assert.deepEqual(await keeper.start(), { ok: true });
  for (let restart = 1; restart <= 3; restart++) {
    back = Promise.withResolvers();
    await bus.kill();
    await bus.start();
    await back.promise;
    const client = await Bus.connect(bus.address);
    assert.ok(client.ok);
    const reply = await client.bus.call({
      destination: STAF.name,
      path: STAF.path,
      interface: STAF.name,
      member: "get_all_log_pages",
      signature: "b",
      args: [true],
    });
    assert.ok(reply.ok, reply.ok ? "" : reply.error.message);
    client.bus.close();
    assert.equal(lost, restart);
  }
  keeper.stop();
  assert.equal(events.filter((event) => event.type === "lost").length, 3);
});

Deno.test("a second daemon does not start, and the first one keeps the name", async () => {
  await using bus = await privateBus();
  const first = new BusKeeper(bus.address, STAF.name, () => {});
  const second = new BusKeeper(bus.address, STAF.name, () => {});
  assert.deepEqual(await first.start(), { ok: true });
  const refused = await second.start();
  assert.ok(!refused.ok && refused.taken);
  assert.equal(second.bus, undefined);
  assert.ok(first.bus !== undefined);
  first.stop();
  second.stop();
});

Deno.test("a daemon that is stopped while it looks for the bus stays away", async () => {
  await using bus = await privateBus();
  const retried = Promise.withResolvers<void>();
  const keeper = new BusKeeper(bus.address, undefined, (event) => {
    if (event.type === "retry") retried.resolve();
  });
  assert.deepEqual(await keeper.start(), { ok: true });
  await bus.kill();
  await retried.promise;
  keeper.stop();
  assert.equal(keeper.bus, undefined);
});
