import assert from "node:assert/strict";
import { OTHERS } from "../../../scripts/system_packages.ts";
import { lacks, otherUser, packages } from "../../lacking.ts";
import { Bus, BusErrors, type Reply, type Value, Variant } from "../../../src/lib/dbus/bus.ts";
import { publisher, serveStac, serveStaf } from "../../../src/lib/dbus/server.ts";
import { INTROSPECTABLE, PEER, PROPERTIES, STAC, STAF } from "../../../src/lib/dbus/interfaces.ts";
import { stafHandlers } from "./fake_daemons.ts";
import { privateBus } from "./private_bus.ts";

async function connect(address: string): Promise<Bus> {
  const result = await Bus.connect(address);
  assert.ok(result.ok, result.ok ? "" : result.error.message);
  return result.bus;
}

type Ask = (iface: string, member: string, signature?: string, args?: readonly Value[]) => Promise<Reply>;

/** stafd on a bus, and a way to call it. */
async function withStaf(
  test: (
    ask: Ask,
    buses: { readonly daemon: Bus; readonly client: Bus; readonly address: string },
  ) => Promise<void>,
): Promise<void> {
  await using bus = await privateBus();
  const daemon = await connect(bus.address);
  serveStaf(daemon, stafHandlers());
  assert.ok((await daemon.requestName(STAF.name)).ok);
  const client = await connect(bus.address);
  const ask: Ask = (iface, member, signature = "", args = []) =>
    client.call({ destination: STAF.name, path: STAF.path, interface: iface, member, signature, args });
  await test(ask, { daemon, client, address: bus.address });
  client.close();
  daemon.close();
}

const body = (reply: Reply): readonly unknown[] => {
  assert.ok(reply.ok, reply.ok ? "" : `${reply.error.name}: ${reply.error.message}`);
  return reply.body;
};
const errorName = (reply: Reply): string => reply.ok ? "no error" : reply.error.name;
const seven = ["tcp", "10.0.0.1", "", "nqn.x", "10.0.0.2", "eth0", ""];

Deno.test("the methods of requirements 50 answer with their signatures", () =>
  withStaf(async (ask) => {
    const list = await ask(STAF.name, "list_controllers", "b", [true]);
    assert.deepEqual(body(list), [[{ transport: "tcp", traddr: "10.0.0.1", detailed: "true" }]]);
    assert.ok(list.ok && list.signature === "aa{ss}");
    assert.deepEqual(body(await ask(STAF.name, "get_all_log_pages", "b", [false])), ['[{"detailed":false}]']);
    assert.deepEqual(body(await ask(`${STAF.name}.debug`, "process_info")), ["{}"]);
    // Without an interface, the member is found.
    assert.deepEqual(body(await ask("", "get_all_log_pages", "b", [true])), ['[{"detailed":true}]']);
    assert.deepEqual(body(await ask(`${STAF.name}.v1`, "explain", "s", ["nvme0"])), ["explain nvme0"]);
    assert.deepEqual(body(await ask(`${STAF.name}.v1`, "pages")), ["pages"]);
    assert.deepEqual(body(await ask(`${STAF.name}.v1`, "page_index")), ["page_index"]);
    const [page] = body(await ask(`${STAF.name}.v1`, "page", "sssssss", seven));
    assert.match(String(page), /^page .*"traddr":"10\.0\.0\.1".*"hostIface":"eth0"/);
    const [entries] = body(await ask(`${STAF.name}.v1`, "page_entries", "sssssss", seven));
    assert.match(String(entries), /^page_entries .*"traddr":"10\.0\.0\.1".*"hostIface":"eth0"/);
  }));

Deno.test("calls with seven and with six arguments name the same fields (DBUS-11, DBUS-26)", () =>
  withStaf(async (ask) => {
    const asked = {
      transport: "tcp",
      traddr: "10.0.0.1",
      trsvcid: "",
      subsysnqn: "nqn.x",
      hostTraddr: "10.0.0.2",
      hostIface: "eth0",
    };
    const info = async (args: readonly string[]): Promise<unknown> =>
      JSON.parse(
        String(body(await ask(`${STAF.name}.debug`, "controller_info", "s".repeat(args.length), args))[0]),
      );
    assert.deepEqual(await info(seven), { ...asked, hostNqn: "" });
    assert.deepEqual(await info(["tcp", "10.0.0.1", "", "10.0.0.2", "eth0", "nqn.x"]), asked);
    const [pages] = body(await ask(STAF.name, "get_log_pages", "sssssss", seven));
    assert.deepEqual(pages, [{
      asked: JSON.stringify({
        transport: "tcp",
        traddr: "10.0.0.1",
        trsvcid: "",
        hostNqn: "",
        subsysnqn: "nqn.x",
        hostTraddr: "10.0.0.2",
        hostIface: "eth0",
      }),
    }]);
  }));

Deno.test("properties: read, read all, write tron, and what is refused (DBUS-16 to DBUS-21)", () =>
  withStaf(async (ask) => {
    const debug = `${STAF.name}.debug`;
    const get = (iface: string, name: string): Promise<Reply> => ask(PROPERTIES, "Get", "ss", [iface, name]);
    const set = (iface: string, name: string, value: Variant): Promise<Reply> =>
      ask(PROPERTIES, "Set", "ssv", [iface, name, value]);
    const value = (reply: Reply): unknown => {
      const [variant] = body(reply);
      assert.ok(variant instanceof Variant);
      return variant.value;
    };
    assert.equal(value(await get(debug, "tron")), false);
    assert.equal(value(await get(debug, "log_level")), "INFO");
    assert.deepEqual(body(await set(debug, "tron", new Variant("b", true))), []);
    assert.equal(value(await get(debug, "tron")), true);
    assert.equal(value(await get(debug, "log_level")), "DEBUG");
    const all = body(await ask(PROPERTIES, "GetAll", "s", [debug]));
    assert.deepEqual(all, [{ tron: new Variant("b", true), log_level: new Variant("s", "DEBUG") }]);
    assert.deepEqual(body(await ask(PROPERTIES, "GetAll", "s", [STAF.name])), [{}]);
    assert.equal(errorName(await set(debug, "log_level", new Variant("s", "INFO"))), BusErrors.invalidArgs);
    assert.equal(value(await get(debug, "log_level")), "DEBUG");
    assert.equal(errorName(await set(debug, "tron", new Variant("s", "false"))), BusErrors.invalidArgs);
    assert.equal(errorName(await set(debug, "none", new Variant("b", false))), BusErrors.unknownProperty);
    assert.equal(
      errorName(await set("org.example", "tron", new Variant("b", false))),
      BusErrors.unknownInterface,
    );
    assert.equal(errorName(await get(debug, "none")), BusErrors.unknownProperty);
    assert.equal(
      errorName(await ask(PROPERTIES, "GetAll", "s", ["org.example"])),
      BusErrors.unknownInterface,
    );
    assert.equal(errorName(await ask(PROPERTIES, "Get", "s", [debug])), BusErrors.invalidArgs);
    assert.equal(value(await get(debug, "tron")), true);
  }));

Deno.test("wrong calls are answered with the usual errors, and no word about our insides", () =>
  withStaf(async (ask, { client }) => {
    const wrong: readonly [Promise<Reply>, string][] = [
      [ask(STAF.name, "list_controllers", "s", ["true"]), BusErrors.invalidArgs],
      [ask(STAF.name, "list_controllers"), BusErrors.invalidArgs],
      [ask(STAF.name, "list_controllers", "bb", [true, true]), BusErrors.invalidArgs],
      [ask(STAF.name, "get_log_pages", "sssss", seven.slice(0, 5)), BusErrors.invalidArgs],
      [ask(STAF.name, "none"), BusErrors.unknownMethod],
      [ask(STAF.name, "constructor"), BusErrors.unknownMethod],
      [ask("", "toString"), BusErrors.unknownMethod],
      [ask(STAF.name, "process_info"), BusErrors.unknownMethod],
      [ask("org.example.none", "list_controllers", "b", [true]), BusErrors.unknownInterface],
      [ask(STAC.name, "list_controllers", "b", [true]), BusErrors.unknownInterface],
      [ask(PEER, "Ping", "s", ["x"]), BusErrors.invalidArgs],
      [ask(INTROSPECTABLE, "None"), BusErrors.unknownMethod],
      [ask(`${STAF.name}.v1`, "explain", "s", ["x".repeat(5000)]), BusErrors.invalidArgs],
      [ask(`${STAF.name}.v1`, "plan", "s", ["x".repeat(2_000_000)]), BusErrors.invalidArgs],
      [
        client.call({
          destination: STAF.name,
          path: "/other",
          interface: STAF.name,
          member: "list_controllers",
        }),
        BusErrors.unknownObject,
      ],
    ];
    for (const [call, name] of wrong) {
      const reply = await call;
      assert.equal(errorName(reply), name);
      assert.ok(
        !reply.ok && !/\.ts|\.mjs|at \w+|stack/i.test(reply.error.message),
        reply.ok ? "" : reply.error.message,
      );
    }
    assert.deepEqual(body(await ask(PEER, "Ping")), []);
    assert.match(String(body(await ask(PEER, "GetMachineId"))[0]), /^[0-9a-f]{32}$/);
    // 300,000 characters in an address only name an unknown controller.
    const huge = seven.with(1, "x".repeat(300_000));
    assert.ok((await ask(STAF.name, "get_log_pages", "sssssss", huge)).ok);
  }));

Deno.test("a thousand calls of ten clients at once are all answered", () =>
  withStaf(async (ask, { address }) => {
    const clients = await Promise.all(Array.from({ length: 10 }, () => connect(address)));
    const calls = clients.flatMap((client, c) =>
      Array.from({ length: 100 }, (_, n) =>
        client.call({
          destination: STAF.name,
          path: STAF.path,
          interface: `${STAF.name}.v1`,
          member: "explain",
          signature: "s",
          args: [`${c} ${n}`],
        }))
    );
    const replies = await Promise.all(calls);
    assert.deepEqual(
      replies.map((reply) => body(reply)[0]),
      replies.map((_, n) => `explain ${Math.floor(n / 100)} ${n % 100}`),
    );
    for (const client of clients) client.close();
    assert.deepEqual(body(await ask(PEER, "Ping")), []);
  }));

Deno.test("a message that the library cannot decode harms nobody", () =>
  withStaf(async (ask, { address, daemon }) => {
    // A file descriptor index (h) without a descriptor: dbus-daemon lets it pass, the library throws on it.
    const socket = await Deno.connect({ transport: "unix", path: address.slice("unix:path=".length) });
    const uid = [...String(Deno.uid())].map((digit) => digit.charCodeAt(0).toString(16)).join("");
    const write = (bytes: Uint8Array): Promise<number> => socket.write(bytes);
    const line = new TextEncoder();
    await write(line.encode(`\0AUTH EXTERNAL ${uid}\r\n`));
    await socket.read(new Uint8Array(200));
    await write(line.encode("BEGIN\r\n"));
    await write(
      methodCall(1, "org.freedesktop.DBus", "/org/freedesktop/DBus", "Hello", "", new Uint8Array()),
    );
    await socket.read(new Uint8Array(4096));
    for (let serial = 2; serial < 12; serial++) {
      await write(methodCall(serial, daemon.uniqueName, STAF.path, "Ping", "h", new Uint8Array(4)));
      // Something readable right behind it must not get stuck.
      await write(methodCall(serial + 100, daemon.uniqueName, STAF.path, "Ping", "", new Uint8Array()));
    }
    assert.deepEqual(body(await ask(PEER, "Ping")), []);
    // All ten readable calls were answered.
    let seen = 0;
    const buffer = new Uint8Array(65536);
    while (seen < 10) {
      const n = await socket.read(buffer);
      assert.ok(n !== null, "the bus closed the hostile client's connection");
      for (let serial = 102; serial < 112; serial++) {
        // Header field 5 (reply serial), type u.
        const field = [5, 1, 0x75, 0, serial, 0, 0, 0];
        if (indexOf(buffer.subarray(0, n), field) >= 0) seen += 1;
      }
    }
    socket.close();
  }));

function indexOf(bytes: Uint8Array, wanted: readonly number[]): number {
  for (let at = 0; at + wanted.length <= bytes.length; at++) {
    if (wanted.every((byte, n) => bytes[at + n] === byte)) return at;
  }
  return -1;
}

/** A method call, marshalled by hand. */
function methodCall(
  serial: number,
  destination: string,
  path: string,
  member: string,
  signature: string,
  bodyBytes: Uint8Array,
): Uint8Array {
  const fields: number[] = [];
  const text = new TextEncoder();
  const field = (code: number, type: string, value: string): void => {
    while (fields.length % 8 !== 0) fields.push(0);
    const bytes = text.encode(value);
    fields.push(code, 1, type.charCodeAt(0), 0);
    if (type === "g") fields.push(bytes.length, ...bytes, 0);
    else fields.push(bytes.length & 255, bytes.length >> 8, 0, 0, ...bytes, 0);
  };
  field(1, "o", path);
  field(3, "s", member);
  field(6, "s", destination);
  if (signature !== "") field(8, "g", signature);
  const head = new DataView(new ArrayBuffer(16));
  head.setUint8(0, 0x6c);
  head.setUint8(1, 1);
  head.setUint8(3, 1);
  head.setUint32(4, bodyBytes.length, true);
  head.setUint32(8, serial, true);
  head.setUint32(12, fields.length, true);
  const padding = (8 - fields.length % 8) % 8;
  return new Uint8Array([
    ...new Uint8Array(head.buffer),
    ...fields,
    ...new Uint8Array(padding),
    ...bodyBytes,
  ]);
}

Deno.test({
  name: "Set by another user is denied also where the bus policy is missing (DBUS-52)",
  ignore: lacks(packages([OTHERS.busctl]), otherUser),
  fn: async () => {
    await using bus = await privateBus();
    const daemon = await connect(bus.address);
    const handlers = stafHandlers();
    serveStaf(daemon, handlers);
    assert.ok((await daemon.requestName(STAF.name)).ok);
    const set = new Deno.Command("setpriv", {
      args: [
        "--reuid=65534",
        "--clear-groups",
        "busctl",
        `--address=${bus.address}`,
        "set-property",
        STAF.name,
        STAF.path,
        `${STAF.name}.debug`,
        "tron",
        "b",
        "true",
      ],
    });
    const output = await set.output();
    assert.match(new TextDecoder().decode(output.stderr), /only root may write|Access denied/);
    assert.equal(handlers.tron(), false);
    daemon.close();
  },
});

Deno.test("signals of stafd: eight texts, nothing, and JSON (DBUS-13, DBUS-14)", () =>
  withStaf(async (_ask, { daemon, client }) => {
    const seen: unknown[] = [];
    const last = Promise.withResolvers<void>();
    await client.addMatch({ sender: STAF.name }, (signal) => {
      seen.push([signal.interface, signal.member, signal.signature, signal.body]);
      if (signal.member === "event") last.resolve();
    });
    const publish = publisher(STAF, () => daemon);
    const tid = {
      transport: "tcp",
      traddr: "10.0.0.1",
      trsvcid: "8009",
      subsysnqn: "nqn.x",
      hostTraddr: "",
      hostIface: "eth0",
      hostNqn: "nqn.h",
    } as const;
    publish.emit({ type: "log-pages-changed", tid, device: "nvme0" });
    publish.emit({ type: "dc-removed" });
    publish.emit({ type: "event", event: { schema: 1 } });
    await last.promise;
    assert.deepEqual(seen, [
      [STAF.name, "log_pages_changed", "ssssssss", [
        "tcp",
        "10.0.0.1",
        "8009",
        "nqn.x",
        "",
        "eth0",
        "nqn.h",
        "nvme0",
      ]],
      [STAF.name, "dc_removed", "", []],
      [`${STAF.name}.v1`, "event", "s", ['{"schema":1}']],
    ]);
  }));

Deno.test("both daemons show every member that they answer, and answer every member that they show", async () => {
  await using bus = await privateBus();
  const daemon = await connect(bus.address);
  serveStaf(daemon, stafHandlers());
  serveStac(daemon, stafHandlers());
  for (const { path } of [STAF, STAC]) {
    const call = { destination: daemon.uniqueName, path };
    const [xml] = body(await daemon.call({ ...call, interface: INTROSPECTABLE, member: "Introspect" }));
    let methods = 0;
    for (
      const [, iface = "", content = ""] of String(xml).matchAll(
        /<interface name="([^"]+)">(.*?)<\/interface>/gs,
      )
    ) {
      for (
        const [, member = "", rest = ""] of content.matchAll(/<method name="([^"]+)"(\/>|>.*?<\/method>)/gs)
      ) {
        const args = [...rest.matchAll(/<arg name="([a-z_]+)" type="([^"]+)" direction="(in|out)"/g)];
        const takes = args.filter(([, , , way]) => way === "in").map(([, , type]) => type).join("");
        const gives = args.filter(([, , , way]) => way === "out").map(([, , type]) => type).join("");
        const samples = new Map<string, Value>([
          ["b", true],
          ["v", new Variant("s", "")],
          ["as", ["name"]],
          ["t", 0n],
        ]);
        // An act has to name something, and to say how.
        const texts = new Map([["what", "name"], ["mode", "ask"]]);
        const values = args.filter(([, , , way]) => way === "in").map(([, name = "", type = ""]) =>
          samples.get(type) ?? texts.get(name) ?? ""
        );
        const reply = await daemon.call({
          ...call,
          interface: iface,
          member,
          signature: takes,
          args: values,
        });
        if (reply.ok) assert.equal(reply.signature, gives, member);
        else assert.equal(reply.error.name, BusErrors.unknownProperty, `${member}: ${reply.error.message}`);
        // One argument too many is refused, so the signature shown is the one taken.
        const more = await daemon.call({
          ...call,
          interface: iface,
          member,
          signature: takes + "u",
          args: [...values, 1],
        });
        assert.equal(errorName(more), BusErrors.invalidArgs, member);
        methods += 1;
      }
    }
    assert.equal(methods, path === STAF.path ? 22 : 18);
  }
  daemon.close();
});
