/** Names come from the fabric: whatever they hold is shown as text. */
import assert from "node:assert/strict";
import { Bus } from "../../src/lib/dbus/bus.ts";
import { STAC } from "../../src/lib/dbus/interfaces.ts";
import { serveStac } from "../../src/lib/dbus/server.ts";
import { buildSite } from "../../demo/site.ts";
import { NOW, sampleHandlers, v1Controller, v1Health, v1State } from "../integration/ctl/sample_daemon.ts";
import { visited } from "./visit.ts";

const NAME = `nqn.2025-01.com.example:<img src=x onerror="window.hit=1"><script>window.hit=1</script>`;
const MARKS = "\u202egnp.exe&#x3c;b&#x3e;`${1}`javascript:window.hit=1";

Deno.test("Hostile names are plain text in every part, and nothing of them runs", () =>
  visited({ world: buildSite().world, starts: ["stafd"] }, async (visit) => {
    const connected = await Bus.connect(visit.host.address);
    assert.ok(connected.ok);
    const tid = { ...v1Controller().tid, subsysnqn: NAME, traddr: "192.0.2.1" };
    const text = `(tcp, 192.0.2.1, 4420, ${NAME})`;
    const hostile = v1Controller({
      kind: "io",
      tid,
      text,
      model: MARKS,
      serial: NAME,
      phase: "failing",
      device: "",
      detail: MARKS,
      namespaces: [NAME],
      sources: [{ kind: "log-page", text: MARKS }],
      lastFailure: {
        phase: "connect",
        kind: "transient",
        errno: null,
        status: null,
        message: NAME,
        remedy: MARKS,
        at: NOW,
      },
    });
    const problem = { id: "controller-failing", text: `${text}: ${NAME}`, remedy: NAME };
    const chain = [{ step: "source", at: NOW, text: NAME }, { step: "remedy", at: null, text: MARKS }];
    serveStac(connected.bus, {
      ...sampleHandlers(),
      state: () => JSON.stringify(v1State({ daemon: "stacd", controllers: [hostile] })),
      health: () => JSON.stringify(v1Health({ daemon: "stacd", status: "degraded", problems: [problem] })),
      explain: (what) =>
        JSON.stringify({
          schema: 1,
          daemon: "stacd",
          at: NOW,
          query: what,
          matches: [{ tid, text, device: "", phase: "failing", headline: NAME, chain }],
        }),
    });
    assert.ok((await connected.bus.requestName(STAC.name)).ok);
    try {
      await visit.open();
      await visit.see(NAME);
      await visit.open("#/subsystems");
      await visit.see(NAME, "1 subsystem, 1 path");
      await visit.page.locator("button[aria-expanded=false]").click();
      await visit.see(NAME, MARKS.slice(1));
      await visit.click("link", "tcp 192.0.2.1:8009");
      await visit.see(NAME, MARKS.slice(1), "Wanted by");
      assert.equal(await visit.evaluate("window.hit"), undefined);
      assert.deepEqual(await visit.evaluate("[...document.querySelectorAll('img, #app script')].length"), 0);
    } finally {
      connected.bus.close();
    }
  }));

Deno.test("An answer that is not of the contract is said to be none, and the rest of the page works", () =>
  visited({ world: buildSite().world, starts: ["stafd"] }, async (visit) => {
    const connected = await Bus.connect(visit.host.address);
    assert.ok(connected.ok);
    serveStac(connected.bus, { ...sampleHandlers(), state: () => '{"schema": 2}' });
    assert.ok((await connected.bus.requestName(STAC.name)).ok);
    try {
      await visit.open();
      await visit.see("stacd cannot be asked", "incompatible versions", "2 of 2");
    } finally {
      connected.bus.close();
    }
    // It has gone, and the page says that, too.
    await visit.see("stacd is not running");
  }));
