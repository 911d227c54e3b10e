/** 250 subsystems with four paths each: what is drawn is bounded, and filters and updates reach the person. */
import assert from "node:assert/strict";
import { Bus } from "../../src/lib/dbus/bus.ts";
import { STAC } from "../../src/lib/dbus/interfaces.ts";
import { serveStac } from "../../src/lib/dbus/server.ts";
import type { V1Controller } from "../../src/lib/dbus/v1_types.ts";
import { buildSite } from "../../demo/site.ts";
import { NOW, sampleHandlers, v1Controller, v1Health, v1State } from "../integration/ctl/sample_daemon.ts";
import { nqnOf } from "./site.ts";
import { visited } from "./visit.ts";

const SUBSYSTEMS = 250;
const PATHS = 4;
/** Of rows in the page's table: a page of subsystems, and what is unfolded. */
const MOST_ROWS = 60;

function paths(lost: number): readonly V1Controller[] {
  return Array.from({ length: SUBSYSTEMS * PATHS }, (_, n): V1Controller => {
    const subsystem = Math.floor(n / PATHS);
    const side = n % PATHS;
    const traddr = `10.${side}.${subsystem >> 7}.${1 + (subsystem & 127)}`;
    const tid = { ...v1Controller().tid, traddr, trsvcid: "4420", subsysnqn: nqnOf(subsystem) };
    return v1Controller({
      kind: "io",
      tid,
      text: `(tcp, ${traddr}, 4420, ${nqnOf(subsystem)})`,
      device: `nvme${n}`,
      iface: `eth${side}`,
      logPage: null,
      sources: [{ kind: "log-page", text: `log page of (tcp, 10.${side}.0.10, 8009), generation 7` }],
      ...(subsystem === lost && side === 1 ? { phase: "reconnecting", kernelState: "connecting" } : {}),
    });
  });
}

Deno.test("1,000 paths: the first page, an update, a filter and the last page", () =>
  visited({ world: buildSite().world, starts: ["stafd"] }, async (visit) => {
    const connected = await Bus.connect(visit.host.address);
    assert.ok(connected.ok);
    let lost = -1;
    serveStac(connected.bus, {
      ...sampleHandlers(),
      state: () => JSON.stringify(v1State({ daemon: "stacd", at: NOW, controllers: paths(lost) })),
      health: () => JSON.stringify(v1Health({ daemon: "stacd" })),
    });
    assert.ok((await connected.bus.requestName(STAC.name)).ok);
    const took = async (what: string, work: () => Promise<unknown>): Promise<void> => {
      const begin = performance.now();
      await work();
      console.log(`1,000 paths: ${what} after ${(performance.now() - begin).toFixed(0)} ms`);
    };
    const rows = async (): Promise<void> => {
      const count = Number(await visit.evaluate("document.querySelectorAll('tr').length"));
      assert.ok(count > 1 && count <= MOST_ROWS, `${count} rows`);
    };
    try {
      await took("first content", async () => {
        await visit.open("#/subsystems");
        await visit.see("250 subsystems, 1000 paths", nqnOf(0));
      });
      await rows();
      lost = 200;
      await took("an update", async () => {
        const { name, path } = STAC;
        const event = {
          schema: 1,
          daemon: "stacd",
          at: NOW,
          type: "link-lost",
          tid: null,
          text: "",
          device: "nvme801",
        };
        connected.bus.emitSignal({
          path,
          interface: `${name}.v1`,
          member: "event",
          signature: "s",
          args: [JSON.stringify({ ...event, message: "link lost" })],
        });
        await visit.see("3 of 4", nqnOf(200));
      });
      await took("a filter", async () => {
        await visit.type("Search in names, addresses, devices and mount points", "10.3.1.5");
        await visit.see(/^\d+ subsystems?, \d+ paths$/m, nqnOf(132));
      });
      await visit.click("button", "Show paths of " + nqnOf(132));
      await visit.see("tcp 10.3.1.5:4420", "eth3");
      await rows();
    } finally {
      connected.bus.close();
    }
  }));
