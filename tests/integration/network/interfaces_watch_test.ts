/** The table of interfaces, and what is told of its changes. */
import assert from "node:assert/strict";
import { Told } from "../linux/waiting.ts";
import { Inside, testNetwork } from "./namespace.ts";

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
