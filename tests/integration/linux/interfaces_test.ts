import assert from "node:assert/strict";
import { readInterfaces } from "../../../src/lib/linux/interfaces.ts";
import { parseRtnetlink, RTM_NEWLINK } from "../../../src/lib/linux/rtnetlink.ts";
import { Inside, testNetwork } from "./namespace.ts";
import { Told } from "./waiting.ts";

interface Entry {
  readonly index: number;
  readonly mac: string;
  readonly up: boolean;
  readonly v4: readonly string[];
  readonly v6: readonly string[];
}

interface News {
  readonly what: string;
  readonly table: Readonly<Record<string, Entry>>;
}

function isNews(line: unknown): line is News {
  return typeof line === "object" && line !== null && "what" in line && "table" in line;
}

Deno.test("the table has every interface with the addresses of this end, and changes are told once", async () => {
  await using net = await testNetwork();
  // Point to point: the peer's address is not ours (TID-23).
  await net.ip("addr", "add", "10.78.0.1", "peer", "10.78.0.9", "dev", "near0");
  await net.ip("addr", "add", "10.77.0.5/24", "dev", "near0", "label", "near0:1");
  const told = new Told<News>();
  await using _inside = new Inside(net.near, "./interfaces_inside.ts", (line) => {
    if (isNews(line)) told.tell(line);
  });
  const first = await told.until(({ what }) => what === "first", "the first table");
  const near0 = first.table["near0"];
  assert.deepEqual(near0?.v4, ["10.77.0.1", "10.78.0.1", "10.77.0.5"]);
  assert.deepEqual([...near0.v6].sort(), ["fd77::1", "fe80::1"]);
  assert.match(near0.mac, /^([0-9a-f]{2}:){5}[0-9a-f]{2}$/);
  assert.equal(near0.up, true);
  assert.deepEqual(first.table["lo"]?.v4, ["127.0.0.1"]);
  assert.equal(first.table["near0:1"], undefined, "a label is no interface");

  await net.ip("addr", "add", "10.79.0.1/24", "dev", "near0");
  await told.until(({ table }) => table["near0"]?.v4.includes("10.79.0.1") === true, "the new address");

  await net.ip("link", "set", "near0", "down");
  await told.until(({ table }) => table["near0"]?.up === false, "the link going down");
  await net.ip("link", "set", "near0", "up");
  await told.until(
    ({ table }) => table["near0"]?.up === true && told.all.at(-1)?.table === table,
    "the link coming up",
  );

  const before = told.all.length;
  await net.ip("route", "add", "203.0.113.0/24", "via", "10.77.0.2");
  await told.until(() => told.all.length > before, "a new route");

  await net.ip("link", "add", "name", "br9", "type", "bridge");
  await told.until(({ table }) => table["br9"] !== undefined, "a new interface without an address");
});

Deno.test("what is announced again without a change is not told", async () => {
  await using net = await testNetwork();
  const told = new Told<News>();
  await using _inside = new Inside(net.near, "./interfaces_inside.ts", (line) => {
    if (isNews(line)) told.tell(line);
  });
  await told.until(({ what }) => what === "first", "the first table");
  // The same address once more, as a router advertisement does, then something that shows that it was heard.
  for (let i = 0; i < 3; i++) {
    await net.ip(
      "addr",
      "change",
      "fd77::1/64",
      "dev",
      "near0",
      "valid_lft",
      "4000",
      "preferred_lft",
      "4000",
    );
  }
  await new Promise((resolve) => setTimeout(resolve, 200));
  const before = told.all.length;
  for (let i = 0; i < 3; i++) {
    await net.ip(
      "addr",
      "change",
      "fd77::1/64",
      "dev",
      "near0",
      "valid_lft",
      "5000",
      "preferred_lft",
      "5000",
    );
  }
  await new Promise((resolve) => setTimeout(resolve, 200));
  assert.equal(told.all.length, before);
});

Deno.test("interfaces of this machine can be read without a monitor", () => {
  assert.deepEqual(readInterfaces().get("lo")?.index, 1);
});

/** RTM_NEWLINK of a VLAN interface, built by hand: not every kernel has VLANs to make one. */
function vlanLink(): Uint8Array<ArrayBuffer> {
  const attribute = (type: number, value: readonly number[]): number[] => {
    const length = 4 + value.length;
    const padding = Array.from({ length: (4 - length % 4) % 4 }, () => 0);
    return [length & 0xff, length >> 8, type & 0xff, type >> 8, ...value, ...padding];
  };
  const ascii = (text: string): number[] => [...new TextEncoder().encode(text), 0];
  const body = [
    ...[0, 0, 1, 0, 9, 0, 0, 0, 0x41, 0, 0, 0, 0, 0, 0, 0],
    ...attribute(3, ascii("fab0.100")),
    ...attribute(1, [2, 0, 0, 0, 0, 0x2a]),
    ...attribute(18, [...attribute(1, ascii("vlan")), ...attribute(2, attribute(1, [100, 0]))]),
  ];
  const bytes = new Uint8Array(new ArrayBuffer(16 + body.length));
  new DataView(bytes.buffer).setUint32(0, bytes.length, true);
  new DataView(bytes.buffer).setUint16(4, RTM_NEWLINK, true);
  bytes.set(body, 16);
  return bytes;
}

Deno.test("a VLAN interface has its id", () => {
  assert.deepEqual([...parseRtnetlink(vlanLink())], [{
    type: RTM_NEWLINK,
    body: { kind: "link", index: 9, name: "fab0.100", mac: "02:00:00:00:00:2a", up: true, vlan: 100 },
  }]);
});

Deno.test("a message whose lengths lie is not read beyond its end", () => {
  const whole = vlanLink();
  for (let length = 0; length < whole.length; length++) {
    assert.deepEqual([...parseRtnetlink(whole.slice(0, length))], []);
  }
  for (let at = 0; at < whole.length; at++) {
    const bent = whole.slice();
    bent[at] = 0xff;
    for (const _ of parseRtnetlink(bent)) continue;
  }
});
