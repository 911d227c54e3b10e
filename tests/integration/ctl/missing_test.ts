/** "Why is this volume missing?" */
import assert from "node:assert/strict";
import { entryFor } from "../../../src/lib/sim/discovery.ts";
import { HOST_NQN } from "../../simulation/landscape.ts";
import { line, withSite } from "./site.ts";

Deno.test("explain of what no page lists tells the pages and the host NQN; of what has no namespace, and what was taken over", () =>
  withSite(async (site) => {
    const { stage } = site;
    const [empty, byHand] = [
      stage.subsystem("nqn.empty", "10.0.0.25"),
      stage.subsystem("nqn.hand", "10.0.0.26"),
    ];
    empty.isEmpty = true;
    stage.connectedByOthers(byHand);
    stage.dc("nqn.dc", "10.0.0.100", [entryFor(empty, "nvme"), entryFor(byHand, "nvme")]);
    stage.stafdConf(line("traddr=10.0.0.100", "traddr=10.0.0.101"));
    stage.stacdConf("");
    await stage.start(30_000);
    const missing = await site.run("stacctl explain nqn.2014-08.org.example:volume");
    assert.equal(missing.status, 1);
    assert.match(missing.err, /log page of \(tcp, 10\.0\.0\.100, .*: read .*, generation \d+, 2 entries\n/);
    assert.match(missing.err, /log page of \(tcp, 10\.0\.0\.101, .*: never read; it is (failing|connecting)/);
    assert.ok(missing.err.includes(`map it on the array to this host: ${HOST_NQN};`), missing.err);
    const without = (await site.run("stacctl explain nqn.empty")).out;
    assert.match(without, /connected, and nvme\d+ has no namespace\n/);
    assert.ok(without.includes(`to this host: ${HOST_NQN}`), without);
    assert.match(
      (await site.run("stacctl explain nqn.hand")).out,
      /was taken over: when nothing asks for it/,
    );
  }));
