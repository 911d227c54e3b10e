import assert from "node:assert/strict";
import { type AvahiWorld, avahiWorld } from "./avahi_world.ts";
import { Inside } from "./namespace.ts";
import { Told } from "../linux/waiting.ts";

interface Service {
  readonly key: string;
  readonly hostIface: string;
  readonly protocol: string;
  readonly name: string;
  readonly stype: string;
  readonly traddr: string;
  readonly port: number;
  readonly txt: readonly string[];
}

type News =
  | { readonly type: "avahi"; readonly available: boolean; readonly message: string }
  | { readonly type: "service"; readonly service: Service }
  | { readonly type: "service-gone"; readonly key: string }
  | { readonly type: "mdns-problem"; readonly message: string };

const isNews = (line: unknown): line is News => typeof line === "object" && line !== null && "type" in line;

class Browser {
  readonly told = new Told<News>();
  readonly inside: Inside;

  constructor(world: AvahiWorld, wakeUpMs = 60_000) {
    this.inside = new Inside(
      world.near,
      "./avahi_inside.ts",
      (line) => {
        if (isNews(line)) this.told.tell(line);
      },
      [world.bus, String(wakeUpMs)],
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.inside[Symbol.asyncDispose]();
  }

  async service(name: string, fits: (service: Service) => boolean = () => true): Promise<Service> {
    const found = await this.told.until(
      (news) => news.type === "service" && news.service.name === name && fits(news.service),
      `service ${name}`,
    );
    assert.ok(found.type === "service");
    return found.service;
  }

  /** Forgets what was told, so that only later news count. */
  forget(): void {
    this.told.all.length = 0;
  }

  async available(available: boolean): Promise<string> {
    const found = await this.told.until(
      (news) => news.type === "avahi" && news.available === available,
      `avahi ${available}`,
    );
    return found.type === "avahi" ? found.message : "";
  }
}

Deno.test("services of both types are found and resolved, those announced before and after (STAF-30)", async () => {
  await using world = await avahiWorld();
  await world.startNear();
  await world.publish("early dc", "_nvme-disc._tcp", 8009, ["p=tcp", "nqn=nqn.2024-01.example:dc"]);
  await using browser = new Browser(world);
  await browser.inside.send(true);
  await browser.available(true);
  const early = await browser.service("early dc");
  assert.deepEqual({ ...early, txt: [...early.txt].sort(), key: "" }, {
    key: "",
    hostIface: "near0",
    protocol: "IPv4",
    name: "early dc",
    stype: "_nvme-disc._tcp",
    domain: "local",
    traddr: "10.77.0.2",
    port: 8009,
    txt: ["nqn=nqn.2024-01.example:dc", "p=tcp"],
  });
  const late = await world.publish("late dc", "_nvme-disc._udp", 4420, ["p=roce"]);
  const { key, stype, port } = await browser.service("late dc");
  assert.deepEqual([stype, port], ["_nvme-disc._udp", 4420]);
  assert.notEqual(key, early.key);
  await late.withdraw();
  await browser.told.until((news) => news.type === "service-gone" && news.key === key, "the goodbye");
  assert.ok(!browser.told.all.some((news) => news.type === "service-gone" && news.key === early.key));
  assert.deepEqual(browser.told.all.filter((news) => news.type === "mdns-problem"), []);
});

Deno.test("of many services announced before browsing begins none is lost", async () => {
  await using world = await avahiWorld();
  await world.startNear();
  const names = Array.from({ length: 40 }, (_, i) => `dc ${i}`);
  await Promise.all(names.map((name, i) => world.publish(name, "_nvme-disc._tcp", 8009 + i, ["p=tcp"])));
  await using browser = new Browser(world);
  await browser.inside.send(true);
  for (const name of names) await browser.service(name);
  // Off and on again: everything once more, from Avahi's cache, where all comes at once.
  await browser.inside.send(false);
  browser.forget();
  await browser.inside.send(true);
  for (const name of names) await browser.service(name);
});

Deno.test("switched off, nothing is told any more (STAF-40c)", async () => {
  await using world = await avahiWorld();
  await world.startNear();
  const first = await world.publish("dc", "_nvme-disc._tcp", 8009, ["p=tcp"]);
  await using browser = new Browser(world);
  await browser.inside.send(true);
  await browser.service("dc");
  await browser.inside.send(false);
  browser.forget();
  await first.withdraw();
  await world.publish("unseen", "_nvme-disc._tcp", 8009, ["p=tcp"]);
  assert.equal(browser.told.all.length, 0);
  await browser.inside.send(true);
  // What said goodbye is in Avahi's cache for a second yet, so nothing is claimed of that one here.
  await browser.service("unseen");
});

Deno.test("Avahi goes and comes back: told once each, no service is said to be gone, all are found again (STAF-33)", async () => {
  await using world = await avahiWorld();
  await world.startNear();
  await world.publish("dc", "_nvme-disc._tcp", 8009, ["p=tcp"]);
  await using browser = new Browser(world);
  await browser.inside.send(true);
  await browser.service("dc");
  browser.forget();
  await world.stopNear();
  assert.match(await browser.available(false), /went away/);
  await world.startNear();
  await browser.available(true);
  await browser.service("dc");
  const kinds = browser.told.all.map((news) => news.type === "avahi" ? `avahi ${news.available}` : news.type);
  assert.deepEqual(kinds.filter((kind) => kind !== "service"), ["avahi false", "avahi true"]);
});

Deno.test("without Avahi it says so once, goes on calling, and finds one that is started later (STAF-32)", async () => {
  await using world = await avahiWorld();
  await world.publish("dc", "_nvme-disc._tcp", 8009, ["p=tcp"]);
  await using browser = new Browser(world, 50);
  await browser.inside.send(true);
  assert.match(await browser.available(false), /not available/);
  await world.startNear();
  await browser.available(true);
  await browser.service("dc");
  assert.equal(browser.told.all.filter((news) => news.type === "avahi").length, 2);
});

Deno.test("an Avahi that the bus can start is started by browsing, and again after it has ended", async () => {
  await using world = await avahiWorld();
  await world.makeActivatable();
  await using browser = new Browser(world, 50);
  await browser.inside.send(true);
  await browser.available(true);
  await world.publish("dc", "_nvme-disc._tcp", 8009, ["p=tcp"]);
  await browser.service("dc");
});

Deno.test("the bus dies and comes back: everything is found again", async () => {
  await using world = await avahiWorld();
  await world.startNear();
  await world.publish("dc", "_nvme-disc._tcp", 8009, ["p=tcp"]);
  await using browser = new Browser(world);
  await browser.inside.send(true);
  await browser.service("dc");
  browser.forget();
  await world.killBus();
  await browser.available(false);
  await world.startBus();
  await world.startNear();
  await browser.available(true);
  await browser.service("dc");
  assert.ok(!browser.told.all.some((news) => news.type === "service-gone"));
});

Deno.test("a service whose interface disappears is gone (STAF-40a)", async () => {
  await using world = await avahiWorld();
  await world.startNear();
  await world.publish("dc", "_nvme-disc._tcp", 8009, ["p=tcp"]);
  await using browser = new Browser(world);
  await browser.inside.send(true);
  const { key } = await browser.service("dc");
  await world.ip("link", "del", "near0");
  await browser.told.until(
    (news) => news.type === "service-gone" && news.key === key,
    "the end of the service",
  );
});
