/** Editing the configuration: findings, plan, save, reload, conflict, and who this host is. */
import assert from "node:assert/strict";
import { buildSite } from "../../demo/site.ts";
import { type Visit, visited } from "./visit.ts";

const EDITOR = "Text of stacd.conf";
const BAD = "[Controllers]\nexclude = nqn=nqn.2025-01.com.example:orders\n[Global]\nkato = never\n";
const EXCLUDING = "[Controllers]\nexclude = nqn=nqn.2025-01.com.example:orders\n";

/** What a plan disconnects is connected: each controller was tried once. */
async function settled(visit: Visit): Promise<void> {
  await visit.open();
  await visit.see("3 of 4, 1 failing", "2 of 2");
}

Deno.test("Configuration: findings stand at their line while typing; what the daemon would reject cannot be saved", () =>
  visited({ world: buildSite().world }, async (visit) => {
    await visit.open("#/configuration");
    await visit.see("No findings.");
    await visit.type(EDITOR, BAD);
    await visit.see(/Line 4\s+/, /kato/);
    const marked = await visit.evaluate(
      "[...document.querySelectorAll('.stas-gutter > div')].map((line) => line.className)",
    );
    assert.ok(Array.isArray(marked));
    assert.deepEqual(marked.map((name) => String(name).startsWith("stas-line-")), [
      false,
      false,
      false,
      true,
      false,
    ]);
    await visit.type(EDITOR, "controller without a section\n");
    await visit.see("stacd would reject this text: it cannot be saved");
    assert.equal(
      await visit.evaluate(
        "[...document.querySelectorAll('button')].filter((one) => /plan of this text/.test(one.innerText))[0].disabled",
      ),
      true,
    );
  }));

Deno.test("Configuration: the plan names disconnects and mounts, and what is held as held; then it is saved and reloaded", async () => {
  const { world, orders } = buildSite();
  world.kernel.devices.namespaces.mount(orders[0].nqn, "/srv/orders");
  await visited({ world }, async (visit) => {
    const file = `${visit.host.confDir}/stacd.conf`;
    await settled(visit);
    await visit.open("#/configuration");
    await visit.see("No findings.");
    await visit.type(EDITOR, EXCLUDING);
    await visit.click("button", "Show the plan of this text");
    const text = await visit.see(
      "nqn.2025-01.com.example:orders",
      /nvme\d+n1: mounted on \/srv\/orders; nvme\d+, nvme\d+ stay connected meanwhile/,
      /This text disconnects 2 of \d connections once nothing uses them/,
      "Save and reload",
    );
    assert.doesNotMatch(text, /last path|keeps another one|paths are disconnected/, "they are held");
    assert.notEqual(await Deno.readTextFile(file), EXCLUDING, "a plan changes nothing");
    await visit.click("button", "Save and reload");
    await visit.see("Saved; stacd reads it now");
    assert.equal(await Deno.readTextFile(file), EXCLUDING);
    assert.deepEqual(visit.host.acts.map(({ args }) => args.join(" ")), ["reload stacd.service"]);
  });
});

Deno.test("Configuration: a file that was changed on the host meanwhile is not overwritten", () =>
  visited({ world: buildSite().world }, async (visit) => {
    const file = `${visit.host.confDir}/stacd.conf`;
    const others = "# changed by somebody else\n";
    await settled(visit);
    await visit.open("#/configuration");
    await visit.see("No findings.");
    await visit.type(EDITOR, EXCLUDING);
    await visit.see("Save and reload");
    await Deno.writeTextFile(file, others);
    await visit.see("The file has changed on the host since you began");
    await visit.click("button", "Show the plan of this text");
    await visit.see("loses its last path");
    assert.equal(
      await visit.evaluate(
        "[...document.querySelectorAll('button')].filter((one) => /Save and reload/.test(one.innerText))[0].disabled",
      ),
      true,
    );
    assert.equal(await Deno.readTextFile(file), others);
    await visit.click("button", "Take the new file, drop my edit");
    await visit.missing("The file has changed on the host since you began");
    assert.equal(await visit.evaluate("document.querySelector('textarea').value"), others);
  }));

Deno.test("Configuration: sys.conf says who this host is, for the array's side", () =>
  visited({ world: buildSite().world }, async (visit) => {
    await visit.open("#/configuration?file=sys");
    await visit.see("Host NQN", "Host ID");
    const values = await visit.evaluate("[...document.querySelectorAll('input')].map((one) => one.value)");
    assert.deepEqual(values, [
      "nqn.2014-08.org.nvmexpress:uuid:5f1f9c3e-6d0a-4c55-9d3c-2f8f3f6b7a10",
      "5f1f9c3e-6d0a-4c55-9d3c-2f8f3f6b7a10",
    ]);
  }));
