import assert from "node:assert/strict";
import { Bus } from "../../../src/lib/dbus/bus.ts";
import { serveStac, serveStaf } from "../../../src/lib/dbus/server.ts";
import { STAC, STAF } from "../../../src/lib/dbus/interfaces.ts";
import { OTHERS } from "../../../scripts/system_packages.ts";
import { lacks, packages } from "../../lacking.ts";
import { stafHandlers } from "./fake_daemons.ts";
import { privateBus } from "./private_bus.ts";

async function run(command: readonly string[]): Promise<string> {
  const [program = "", ...args] = command;
  const { success, stdout, stderr } = await new Deno.Command(program, { args }).output();
  const out = new TextDecoder().decode(stdout);
  assert.ok(success, `${command.join(" ")}: ${new TextDecoder().decode(stderr)}`);
  return out;
}

async function serving(address: string): Promise<Bus> {
  const result = await Bus.connect(address);
  assert.ok(result.ok);
  serveStaf(result.bus, stafHandlers());
  serveStac(result.bus, stafHandlers());
  assert.ok((await result.bus.requestName(STAF.name)).ok && (await result.bus.requestName(STAC.name)).ok);
  return result.bus;
}

/** The original's members (requirements 50), as busctl prints them: name, kind, arguments, result. */
const STAF_MEMBERS = [
  [".get_all_log_pages", "method", "b", "s"],
  [".get_log_pages", "method", "sssssss", "aa{ss}"],
  [".list_controllers", "method", "b", "aa{ss}"],
  [".dc_removed", "signal", "-", "-"],
  [".log_pages_changed", "signal", "ssssssss", "-"],
];
const DEBUG_MEMBERS = [
  [".controller_info", "method", "sssssss", "s"],
  [".process_info", "method", "-", "s"],
  [".log_level", "property", "s", '"INFO"'],
  [".tron", "property", "b", "false"],
];

Deno.test({
  name: "busctl sees and calls what the original publishes",
  ignore: lacks(packages([OTHERS.busctl])),
  fn: async () => {
    await using bus = await privateBus();
    const daemon = await serving(bus.address);
    const members = async (service: typeof STAF | typeof STAC, iface: string): Promise<readonly string[][]> =>
      (await run(["busctl", `--address=${bus.address}`, "introspect", service.name, service.path, iface]))
        .split("\n").slice(1).filter((line) => line !== "").map((line) => line.split(/\s+/).slice(0, 4));
    assert.deepEqual(await members(STAF, STAF.name), STAF_MEMBERS);
    assert.deepEqual(await members(STAF, `${STAF.name}.debug`), DEBUG_MEMBERS);
    assert.deepEqual(await members(STAC, STAC.name), [[".list_controllers", "method", "b", "aa{ss}"]]);
    assert.deepEqual(await members(STAC, `${STAC.name}.debug`), DEBUG_MEMBERS);
    const call = ["busctl", `--address=${bus.address}`, "call", STAF.name, STAF.path];
    assert.equal(
      await run([...call, STAF.name, "list_controllers", "b", "false"]),
      'aa{ss} 1 3 "transport" "tcp" "traddr" "10.0.0.1" "detailed" "false"\n',
    );
    assert.match(
      await run([
        ...call,
        `${STAF.name}.debug`,
        "controller_info",
        "ssssss",
        "tcp",
        "1.1.1.1",
        "8009",
        "",
        "",
        "nqn.x",
      ]),
      /subsysnqn.*nqn\.x/,
    );
    assert.match(
      await run(["busctl", `--address=${bus.address}`, "tree", STAF.name]),
      /\/org\/nvmexpress\/staf\n/,
    );
    daemon.close();
  },
});

Deno.test({
  name: "GLib's parser takes the introspection data, with the argument names (DBUS-22)",
  ignore: lacks(packages([OTHERS.gdbus])),
  fn: async () => {
    await using bus = await privateBus();
    const daemon = await serving(bus.address);
    const shown = await run([
      "gdbus",
      "introspect",
      "--address",
      bus.address,
      "--dest",
      STAF.name,
      "--object-path",
      STAF.path,
    ]);
    const flat = shown.replaceAll(/\s+/g, " ");
    const tid = ["transport", "traddr", "trsvcid", "subsysnqn", "host_traddr", "host_iface", "host_nqn"];
    for (
      const text of [
        "list_controllers(in b detailed, out aa{ss} controller_list);",
        `get_log_pages(${tid.map((name) => `in s ${name}`).join(", ")}, out aa{ss} log_pages);`,
        "get_all_log_pages(in b detailed, out s log_pages_json);",
        `log_pages_changed(${[...tid, "device"].map((name) => `s ${name}`).join(", ")});`,
        "dc_removed();",
        "process_info(out s info_json);",
        `controller_info(${tid.map((name) => `in s ${name}`).join(", ")}, out s info_json);`,
        "readwrite b tron = false;",
        "readonly s log_level = 'INFO';",
      ]
    ) assert.ok(flat.includes(text), `${text}\n${shown}`);
    daemon.close();
  },
});
