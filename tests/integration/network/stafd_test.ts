/** stafd between two machines: real Avahi, real bus, real reachability; the kernel is simulated. */
import assert from "node:assert/strict";
import { BusKeeper } from "../../../src/lib/dbus/reconnect.ts";
import { STAF } from "../../../src/lib/dbus/interfaces.ts";
import { StafdClient } from "../../../src/lib/dbus/stafd_client.ts";
import type { Outcome } from "../../../src/lib/base/failure.ts";
import { seconds } from "../../../src/lib/base/time.ts";
import type { StafdReport } from "../../../src/lib/ports.ts";
import { avahiWorld } from "./avahi_world.ts";
import { Inside } from "./namespace.ts";
import { outcome, Told } from "../linux/waiting.ts";

const isMessage = (line: unknown): line is { readonly level: string; readonly message: string } =>
  typeof line === "object" && line !== null && "message" in line && typeof line.message === "string";

/** stacd's way to look at stafd: fetches again whenever stafd says that something changed. */
class Watcher {
  readonly reports = new Told<Outcome<StafdReport>>();
  readonly #keeper: BusKeeper;
  readonly #client: StafdClient;

  constructor(bus: string) {
    this.#keeper = new BusKeeper(bus, undefined, () => {});
    this.#client = new StafdClient(this.#keeper, Date.now);
    this.#client.watch(() => this.#client.fetch(this.reports.tell));
  }

  async start(): Promise<void> {
    assert.ok((await this.#keeper.start()).ok);
  }

  async fetch(): Promise<StafdReport> {
    const report = await outcome<Outcome<StafdReport>>((done) => this.#client.fetch(done));
    assert.ok(report.ok, "stafd answers");
    return report.value;
  }

  /** What the versioned interface answers, as JSON text. */
  async ask(member: "state" | "plan", ...args: readonly string[]): Promise<string> {
    const reply = await this.#keeper.bus?.call({
      destination: STAF.name,
      path: STAF.path,
      interface: `${STAF.name}.v1`,
      member,
      signature: "s".repeat(args.length),
      args,
      timeout: seconds(10),
    });
    const text = reply?.ok === true ? reply.body[0] : undefined;
    assert.ok(typeof text === "string", `an answer to ${member}`);
    return text;
  }

  /** Waits for a report of one controller that lists so many subsystems. */
  async listing(count: number): Promise<StafdReport> {
    const found = await this.reports.until(
      (report) => report.ok && report.value.dcs.length === 1 && report.value.dcs[0]?.entries.length === count,
      `a report of one controller with ${count} subsystems`,
      20_000,
    );
    assert.ok(found.ok);
    return found.value;
  }

  [Symbol.dispose](): void {
    this.#keeper.stop();
  }
}

Deno.test("announced, reached, connected, read and published; nothing that Avahi does undoes it", async () => {
  await using world = await avahiWorld();
  await world.startNear();
  const messages = new Told<{ readonly level: string; readonly message: string }>();
  const said = (pattern: RegExp) =>
    messages.until(({ message }) => pattern.test(message), pattern.source, 20_000);
  await using stafd = new Inside(world.near, "./stafd_inside.ts", (line) => {
    if (isMessage(line)) messages.tell(line);
  }, [world.bus]);
  await said(/^started$/);
  using watcher = new Watcher(world.bus);
  await watcher.start();

  // Announced, but nobody listens there: not connected, and nothing is known of it.
  const announcement = await world.publish("dc", "_nvme-disc._tcp", 8009, ["p=tcp"]);
  await said(
    /Failed to connect to controller\. cannot reach 10\.77\.0\.2:8009 from near0: connection refused/,
  );
  assert.deepEqual((await watcher.fetch()).dcs.map(({ device, page }) => [device, page]), [["", "none"]]);

  const heard = new Told<unknown>();
  const far = world.near.replace("near", "far");
  await using _listener = new Inside(far, "./reach_listen.ts", heard.tell, ["10.77.0.2", "8009"]);
  const { dcs: [dc] } = await watcher.listing(1);
  assert.deepEqual([dc?.tid.traddr, dc?.tid.hostIface, dc?.page], ["10.77.0.2", "near0", "read"]);
  assert.ok(heard.all.some((line) => JSON.stringify(line).includes("10.77.0.1")), "reached from this host");

  await stafd.send(3);
  await watcher.listing(3);
  assert.equal(messages.all.filter(({ message }) => /Connection established/.test(message)).length, 1);

  // Goodbye, restart, absence: what is connected stays connected.
  await announcement.withdraw();
  const deadline = performance.now() + 20_000;
  while (!/"services":0\b/.test(await watcher.ask("state"))) {
    assert.ok(performance.now() < deadline, "the goodbye is heard");
  }
  assert.match(await watcher.ask("plan", ""), /"changes":\[\],"held":\[\],"unchanged":1\b/);
  await world.stopNear();
  await said(/avahi-daemon went away/);
  await world.startNear();
  await stafd.send(2);
  await watcher.listing(2);
  assert.deepEqual((await watcher.fetch()).dcs.map(({ device }) => device), [dc?.device]);
  assert.ok(!messages.all.some(({ message }) => /Disconnect initiated|not responding/.test(message)));
  assert.deepEqual((await watcher.fetch()).retired, []);
});
