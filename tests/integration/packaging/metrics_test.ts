import assert from "node:assert/strict";
import { main as stacctl } from "../../../src/ctl/stacctl.ts";
import { main as stafctl } from "../../../src/ctl/stafctl.ts";
import { fakeWorld } from "../../unit/ctl/fake_world.ts";
import { sampleDaemon } from "../ctl/sample_daemon.ts";
import { privateBus } from "../dbus/private_bus.ts";

Deno.test("metrics over the bus: from a daemon that runs, and of one that does not", async () => {
  await using bus = await privateBus();
  const down = fakeWorld({ bus: bus.address });
  assert.equal(await stacctl(["metrics"], down), 4);
  assert.match(down.out.text, /^nvme_stas_up\{daemon="stacd"\} 0$/m);
  assert.match(down.err.text, /^stacctl: cannot reach stacd/);
  const daemon = await sampleDaemon(bus.address);
  try {
    const up = fakeWorld({ bus: bus.address });
    assert.equal(await stafctl(["metrics"], up), 0);
    assert.match(up.out.text, /^nvme_stas_up\{daemon="stafd"\} 1$/m);
    assert.match(up.out.text, /^nvme_stas_connected\{daemon="stafd",source="config"\} 1$/m);
    assert.equal(up.err.text, "");
  } finally {
    daemon.close();
  }
  const unreachable = fakeWorld();
  assert.equal(await stafctl(["metrics"], unreachable), 4);
  assert.match(unreachable.out.text, /^nvme_stas_up\{daemon="stafd"\} 0$/m);
});
