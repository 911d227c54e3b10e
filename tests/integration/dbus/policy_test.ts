/** The bus policy files as they are installed, on a bus with a system bus's rules (DBUS-50 to DBUS-53). */
import assert from "node:assert/strict";
import { Bus, type Value, Variant } from "../../../src/lib/dbus/bus.ts";
import { PROPERTIES, STAC, STAF } from "../../../src/lib/dbus/interfaces.ts";
import { serveStac, serveStaf } from "../../../src/lib/dbus/server.ts";
import { OTHERS } from "../../../scripts/system_packages.ts";
import { lacks, otherUser, packages } from "../../lacking.ts";
import { stafHandlers } from "./fake_daemons.ts";
import { privateBus } from "./private_bus.ts";

const POLICIES = [STAF, STAC].map(({ name }) =>
  new URL(`../../../systemd/${name}.conf`, import.meta.url).pathname
);

async function connect(address: string): Promise<Bus> {
  const result = await Bus.connect(address);
  assert.ok(result.ok, result.ok ? "" : result.error.message);
  return result.bus;
}

/** busctl as nobody; what it printed, or why not. */
async function asNobody(address: string, ...args: readonly string[]): Promise<string> {
  const { stdout, stderr } = await new Deno.Command("setpriv", {
    args: ["--reuid=65534", "--regid=65534", "--clear-groups", "busctl", `--address=${address}`, ...args],
  }).output();
  return new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
}

Deno.test({
  name: "everybody may ask; only root may change tron and own the names",
  ignore: lacks(packages([OTHERS.busctl]), otherUser),
  fn: async () => {
    await using bus = await privateBus(
      POLICIES.map((file) => `<include>${file}</include>`).join(""),
      "system",
    );
    const daemon = await connect(bus.address);
    const handlers = stafHandlers();
    serveStaf(daemon, handlers);
    serveStac(daemon, handlers);
    for (const { name, path } of [STAF, STAC]) {
      assert.match(
        await asNobody(
          bus.address,
          "call",
          "org.freedesktop.DBus",
          "/",
          "org.freedesktop.DBus",
          "RequestName",
          "su",
          name,
          "4",
        ),
        /not allowed to own|denied/i,
      );
      assert.deepEqual(await daemon.requestName(name), { ok: true });
      assert.match(
        await asNobody(bus.address, "call", name, path, name, "list_controllers", "b", "true"),
        /^aa\{ss\} 1 /,
      );
      assert.match(await asNobody(bus.address, "call", name, path, `${name}.v1`, "health"), /^s "health"/);
      // A long text takes the daemon's time: root's only.
      const plan = (length: number): Promise<string> =>
        asNobody(bus.address, "call", name, path, `${name}.v1`, "plan", "s", "x".repeat(length));
      assert.match(await plan(16 * 1024), /^s "plan 16384"/);
      assert.match(await plan(16 * 1024 + 1), /longer than 16384 characters/);
      assert.match(
        await asNobody(bus.address, "get-property", name, path, `${name}.debug`, "tron"),
        /^b false/,
      );
      assert.match(await asNobody(bus.address, "introspect", name, path), /controller_info/);
      assert.match(
        await asNobody(bus.address, "set-property", name, path, `${name}.debug`, "tron", "b", "true"),
        /denied/i,
      );
      // Nor without an interface, which a rule might overlook.
      assert.match(
        await asNobody(
          bus.address,
          "call",
          name,
          path,
          "",
          "Set",
          "ssv",
          `${name}.debug`,
          "tron",
          "b",
          "true",
        ),
        /denied|Invalid/i,
      );
      assert.equal(handlers.tron(), false);
    }
    // Acts are root's: by the policy, also without an interface, and by stacd itself where the policy is missing.
    for (const iface of [`${STAC.name}.v1`, ""]) {
      const args = ["call", STAC.name, STAC.path, iface];
      const drain = await asNobody(bus.address, ...args, "drain", "sasts", "x", "1", "x", "0", "force");
      assert.match(drain, /denied|Invalid/i);
      assert.match(
        await asNobody(bus.address, ...args, "renew", "sass", "x", "1", "x", "ask"),
        /denied|Invalid/i,
      );
      assert.match(await asNobody(bus.address, ...args, "undrain", "sas", "x", "1", "x"), /denied|Invalid/i);
    }
    for (const iface of [`${STAF.name}.v1`, ""]) {
      const args = ["call", STAF.name, STAF.path, iface];
      assert.match(
        await asNobody(bus.address, ...args, "forget", "sass", "x", "1", "x", "ask"),
        /denied|Invalid/i,
      );
    }
    // So are reports.
    for (const { name, path } of [STAF, STAC]) {
      for (const iface of [`${name}.v1`, ""]) {
        const args = ["call", name, path, iface];
        assert.match(await asNobody(bus.address, ...args, "report_begin"), /denied|only root|Invalid/i);
        assert.match(
          await asNobody(bus.address, ...args, "report_piece", "t", "1"),
          /denied|only root|Invalid/i,
        );
      }
    }
    const root = await connect(bus.address);
    const act = {
      destination: STAC.name,
      path: STAC.path,
      interface: `${STAC.name}.v1`,
      member: "drain",
      signature: "sasts",
      args: ["nvme3", ["nvme3", "nvme4"], 60_000n, "do"],
    };
    const answered = await root.call(act);
    assert.ok(answered.ok);
    assert.deepEqual(answered.body, ["drain nvme3 (nvme3 and nvme4) for 60000, do, by 0"]);
    for (
      const args of [["", ["a"], 0n, "do"], ["a", [], 0n, "do"], ["a", ["a"], 0n, "perhaps"], [
        "a",
        [""],
        0n,
        "do",
      ]]
    ) {
      assert.equal((await root.call({ ...act, args })).ok, false, JSON.stringify(args[0]));
    }
    const set = (on: boolean): readonly Value[] => [`${STAF.name}.debug`, "tron", new Variant("b", on)];
    const call = {
      destination: STAF.name,
      path: STAF.path,
      interface: PROPERTIES,
      member: "Set",
      signature: "ssv",
    };
    assert.ok((await root.call({ ...call, args: set(true) })).ok);
    assert.equal(handlers.tron(), true);
    const plan = {
      ...call,
      interface: `${STAF.name}.v1`,
      member: "plan",
      signature: "s",
      args: ["x".repeat(1_000_000)],
    };
    assert.ok((await root.call(plan)).ok);
    root.close();
    daemon.close();
  },
});
