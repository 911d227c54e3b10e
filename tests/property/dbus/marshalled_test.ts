/** What the D-Bus library marshals, which is what we and many others send, comes out of the framer as it went in. */
import { EventEmitter } from "node:events";
import assert from "node:assert/strict";
import { Message, sessionBus, Variant } from "dbus-next";
import fc from "fast-check";
import { Framer, type Head } from "../../../src/lib/dbus/frame.ts";
import { decodeBody } from "../../../src/lib/dbus/wire.ts";

const library: EventEmitter = sessionBus({ busAddress: "unix:path=/nonexistent" });
// It cannot connect, and need not.
library.on("error", () => {});
const connection: unknown = Reflect.get(library, "_connection");
assert.ok(connection instanceof EventEmitter);

/** The bytes that the library would send. */
function marshal(message: Message): Uint8Array {
  let sent = new Uint8Array(0);
  const stream = {
    writable: true,
    write: (bytes: Uint8Array) => {
      sent = new Uint8Array(bytes);
    },
  };
  const write: unknown = Reflect.get(Object(connection), "_write");
  assert.ok(typeof write === "function");
  Reflect.apply(write, { stream }, [message]);
  return sent;
}

type Typed = readonly [signature: string, value: unknown];

const plainText = fc.string({ unit: "grapheme" }).map((text) => text.replaceAll("\0", ""));
const typed: fc.Arbitrary<Typed> = fc.letrec<{ any: Typed }>((tie) => ({
  any: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    fc.tuple(fc.constant("s"), plainText),
    fc.tuple(fc.constant("b"), fc.boolean()),
    fc.tuple(fc.constant("y"), fc.integer({ min: 0, max: 255 })),
    fc.tuple(fc.constant("n"), fc.integer({ min: -32768, max: 32767 })),
    fc.tuple(fc.constant("q"), fc.integer({ min: 0, max: 65535 })),
    fc.tuple(fc.constant("i"), fc.integer()),
    fc.tuple(fc.constant("u"), fc.nat({ max: 0xffff_ffff })),
    fc.tuple(fc.constant("t"), fc.bigInt({ min: 0n, max: 2n ** 64n - 1n })),
    fc.tuple(fc.constant("x"), fc.bigInt({ min: 1n - 2n ** 63n, max: 2n ** 63n - 1n })),
    fc.tuple(fc.constant("d"), fc.double({ noNaN: true, noDefaultInfinity: true })),
    fc.tuple(fc.constant("o"), fc.constantFrom("/", "/a", "/org/nvmexpress/staf")),
    fc.tuple(fc.constant("g"), fc.constantFrom("", "s", "a{sv}", "aaaas")),
    fc.tuple(
      fc.constant("a{ss}"),
      fc.dictionary(fc.stringMatching(/^[a-z]+$/), plainText, { noNullPrototype: true }),
    ),
    fc.tuple(fc.constant("ay"), fc.array(fc.nat({ max: 255 })).map((bytes) => Uint8Array.from(bytes))),
    tie("any").map(([signature, value]): Typed => ["v", new Variant(signature, value)]),
    tie("any").map((
      [signature, value],
    ): Typed => [`a${signature}`, signature === "y" ? Uint8Array.of(Number(value)) : [value]]),
    tie("any").map(([signature, value]): Typed => [`(${signature}s)`, [value, "x"]]),
  ),
})).any;

/** The library takes a list of bytes where we give a view of them. */
function forLibrary(value: unknown): unknown {
  if (value instanceof Uint8Array) return [...value];
  if (value instanceof Variant) return new Variant(value.signature, forLibrary(value.value));
  return Array.isArray(value) ? value.map(forLibrary) : value;
}

const made = fc.record({
  type: fc.constantFrom(1, 2, 3, 4),
  flags: fc.constantFrom(0, 1),
  serial: fc.integer({ min: 1, max: 0xffff_ffff }),
  path: fc.constantFrom("/", "/org/nvmexpress/staf"),
  interface: fc.constantFrom("org.nvmexpress.staf", "a.b"),
  member: fc.constantFrom("list_controllers", "x"),
  errorName: fc.constant("org.example.Error"),
  replySerial: fc.integer({ min: 1, max: 0xffff_ffff }),
  destination: fc.constantFrom(":1.2", "org.nvmexpress.staf"),
  sender: fc.constantFrom(":1.3", "org.freedesktop.DBus"),
  args: fc.array(typed, { maxLength: 4 }),
  taken: fc.boolean(),
});

Deno.test("every message that the library marshals is framed and decoded the same, cut anywhere", () => {
  fc.assert(
    fc.property(
      fc.array(made, { minLength: 1, maxLength: 4 }),
      fc.array(fc.integer({ min: 1, max: 90 })),
      (all, cuts) => {
        const bytes = all.map(({ args, taken: _, ...fields }) =>
          marshal(
            new Message({
              ...fields,
              signature: args.map(([signature]) => signature).join(""),
              body: args.map(([, value]) => forLibrary(value)),
            }),
          )
        );
        const stream = new Uint8Array(bytes.flatMap((message) => [...message]));
        const heads: Head[] = [];
        const bodies = new Map<number, readonly unknown[]>();
        const framer = new Framer((head) => {
          const n = heads.push(head) - 1;
          if (all[n]?.taken !== true) return undefined;
          return (body) => bodies.set(n, decodeBody(head.signature, body, head.littleEndian));
        });
        let at = 0;
        for (let n = 0; at < stream.length; n++) {
          const size = cuts.length === 0 ? stream.length : cuts[n % cuts.length] ?? 1;
          framer.feed(stream.subarray(at, at + size));
          at += size;
        }
        assert.equal(heads.length, all.length);
        for (const [n, { args, taken, flags, ...fields }] of all.entries()) {
          const { littleEndian, bodyBytes, replyExpected, signature, ...head } = heads[n] ?? assert.fail();
          assert.deepEqual(head, fields);
          assert.ok(littleEndian && bodyBytes <= (bytes[n]?.length ?? 0));
          assert.equal(replyExpected, fields.type === 1 && flags === 0);
          assert.equal(signature, args.map(([type]) => type).join(""));
          assert.deepEqual(bodies.get(n), taken ? args.map(([, value]) => value) : undefined);
        }
        assert.equal(framer.traffic.taken, all.filter(({ taken }) => taken).length);
      },
    ),
    { numRuns: 400 },
  );
});
