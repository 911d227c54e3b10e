/** When systemd goes on: the units that wait for a daemon count on its bus name, not on what it looks up. */
import assert from "node:assert/strict";
import { StacdDaemon, StafdDaemon } from "../daemons.ts";
import { realCores } from "../cores.ts";
import { Stage } from "./stage.ts";

for (const who of ["stafd", "stacd"] as const) {
  Deno.test(`${who} is ready before it looks anything up`, async () => {
    const stage = new Stage(realCores);
    stage.stafdConf("[Controllers]\ncontroller = transport=tcp;traddr=10.0.0.100\n");
    const asked: (readonly [what: string, ready: boolean])[] = [];
    const failed = (error: unknown): never => {
      throw error;
    };
    const around = (_: unknown, effect: { readonly do: string }) => {
      asked.push([effect.do, daemon.isReady]);
      return "go" as const;
    };
    const daemon = who === "stafd"
      ? new StafdDaemon(stage.world, realCores.stafd, { around, failed })
      : new StacdDaemon(stage.world, realCores.stacd, { around, failed });
    daemon.start();
    await stage.run(100);
    assert.ok(asked.some(([what]) => what === "scan"));
    assert.deepEqual(asked.filter(([, ready]) => !ready), []);
  });
}
