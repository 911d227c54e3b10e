/**
 * The bus as others use it: every member by busctl and by a client in Python, calls that mean harm, and a restart of the bus.
 * The daemons stay the same processes, and no connection is touched.
 */
import assert from "node:assert/strict";
import { identities, untilIocsListed } from "../stacd.ts";
import { call, entries, nothingChanges, SOON, start, untilConnected, untilDiscovering } from "../fabric.ts";
import { identity } from "../stafd.ts";
import type { Guest } from "../guest.ts";
import type { Scenario } from "../scenario.ts";

const NAMES = ["sub-001", "sub-002", "sub-003"];
const WATCH = 10;
const DAEMONS = ["staf", "stac"] as const;
const CLIENT = "/tmp/client.py";

/** Calls every member by dasbus, as other programs do, and prints what it got as one JSON object. */
const PYTHON = `
import json, sys
from dasbus.connection import SystemMessageBus
bus = SystemMessageBus()
got = {}
for daemon in ("staf", "stac"):
    name, path = "org.nvmexpress." + daemon, "/org/nvmexpress/" + daemon
    main = bus.get_proxy(name, path, interface_name=name)
    debug = bus.get_proxy(name, path, interface_name=name + ".debug")
    new = bus.get_proxy(name, path, interface_name=name + ".v1")
    short = main.list_controllers(False)
    tid = [short[0][k] for k in
           ("transport", "traddr", "trsvcid", "subsysnqn", "host-traddr", "host-iface", "host-nqn")]
    one = {
        "list_controllers": short,
        "detailed": len(main.list_controllers(True)),
        "process_info": sorted(json.loads(debug.process_info())),
        "controller_info": json.loads(debug.controller_info(*tid))["traddr"],
        "tron": debug.tron,
        "log_level": debug.log_level,
        "state": json.loads(new.state())["schema"],
        "plan": json.loads(new.plan(""))["changes"],
        "explain": len(json.loads(new.explain(""))["matches"]),
        "health": json.loads(new.health())["schema"],
    }
    if daemon == "staf":
        one["get_log_pages"] = main.get_log_pages(*tid)
        one["get_all_log_pages"] = [len(dc["log-pages"]) for dc in json.loads(main.get_all_log_pages(False))]
        one["pages"] = len(json.loads(new.pages())["dcs"])
    got[daemon] = one
json.dump(got, sys.stdout)
`;

/** Calls that mean harm. Each must be answered, with an error where it is one; "timeout" is no answer. */
const HOSTILE = `
import json, sys
import gi
from gi.repository import Gio, GLib
bus = Gio.bus_get_sync(Gio.BusType.SYSTEM, None)
V = GLib.Variant
huge = "x" * (4 << 20)
answers = {}
def ask(label, name, path, iface, member, args):
    try:
        bus.call_sync(name, path, iface, member, args, None, Gio.DBusCallFlags.NONE, 120000, None)
        answers[label] = "answered"
    except GLib.Error as error:
        answers[label] = Gio.DBusError.get_remote_error(error) or str(error.code)
for daemon in ("staf", "stac"):
    name, path = "org.nvmexpress." + daemon, "/org/nvmexpress/" + daemon
    debug, new, props = name + ".debug", name + ".v1", "org.freedesktop.DBus.Properties"
    ask(daemon + " wrong type", name, path, name, "list_controllers", V("(s)", ("yes",)))
    ask(daemon + " no argument", name, path, name, "list_controllers", None)
    ask(daemon + " too many", name, path, name, "list_controllers", V("(bb)", (True, True)))
    ask(daemon + " nested", name, path, debug, "controller_info", V("(aav)", ([[V("v", V("i", 1))]],)))
    ask(daemon + " unknown member", name, path, name, "no_such_member", None)
    ask(daemon + " unknown path", name, path + "/more", name, "list_controllers", V("(b)", (True,)))
    ask(daemon + " unknown interface", name, path, name + ".none", "list_controllers", V("(b)", (True,)))
    ask(daemon + " unknown property", name, path, props, "Get", V("(ss)", (debug, "none")))
    ask(daemon + " read-only property", name, path, props, "Set", V("(ssv)", (debug, "log_level", V("s", "DEBUG"))))
    ask(daemon + " property of another type", name, path, props, "Set", V("(ssv)", (debug, "tron", V("s", "yes"))))
    ask(daemon + " huge identifier", name, path, debug, "controller_info", V("(sssssss)", (huge,) * 7))
    ask(daemon + " huge configuration", name, path, new, "plan", V("(s)", (huge,)))
    ask(daemon + " lines without end", name, path, new, "plan", V("(s)", ("[Controllers]\\ncontroller = " * 20000,)))
    ask(daemon + " huge question", name, path, new, "explain", V("(s)", (huge,)))
    ask(daemon + " control characters", name, path, new, "explain", V("(s)", ("\\x1b[2J\\u202e\\n",)))
    loop = GLib.MainLoop()
    left, counts = [200], {}
    def done(source, result):
        try:
            source.call_finish(result)
            word = "answered"
        except GLib.Error as error:
            word = Gio.DBusError.get_remote_error(error) or str(error.code)
        counts[word] = counts.get(word, 0) + 1
        left[0] -= 1
        if left[0] == 0:
            loop.quit()
    for _ in range(200):
        bus.call(name, path, new, "state", None, None, Gio.DBusCallFlags.NONE, 240000, None, done)
    GLib.timeout_add_seconds(280, loop.quit)
    loop.run()
    answers[daemon + " 200 at once"] = "%d left" % left[0] if left[0] else ", ".join(sorted(counts))
json.dump(answers, sys.stdout)
`;

interface Before {
  readonly pids: string;
  readonly connections: string;
}

/** Both daemons are the processes they were, and the connections the same connections. */
async function look(guest: Guest): Promise<Before> {
  const pids = await guest.run("systemctl show -P MainPID -P NRestarts -P ActiveState stafd stacd");
  return { pids, connections: await identities(guest, NAMES) };
}

async function byBusctl(guest: Guest): Promise<void> {
  for (const daemon of DAEMONS) {
    const at = `org.nvmexpress.${daemon} /org/nvmexpress/${daemon}`;
    const members: (readonly [iface: string, member: string, args: string])[] = [
      [`org.nvmexpress.${daemon}`, "list_controllers", "b true"],
      [`org.nvmexpress.${daemon}.debug`, "process_info", ""],
      [`org.nvmexpress.${daemon}.v1`, "state", ""],
      [`org.nvmexpress.${daemon}.v1`, "plan", "s ''"],
      [`org.nvmexpress.${daemon}.v1`, "explain", "s ''"],
      [`org.nvmexpress.${daemon}.v1`, "health", ""],
      ["org.freedesktop.DBus.Introspectable", "Introspect", ""],
      ["org.freedesktop.DBus.Peer", "Ping", ""],
      ["org.freedesktop.DBus.Properties", "GetAll", `s org.nvmexpress.${daemon}.debug`],
    ];
    const [first] = entries(await call(guest, daemon, "list_controllers", "b", ["false"]));
    assert.ok(first !== undefined, `${daemon} lists nothing`);
    const tid = `sssssss ${identity(first).map((part) => `'${part}'`).join(" ")}`;
    members.push([`org.nvmexpress.${daemon}.debug`, "controller_info", tid]);
    if (daemon === "staf") {
      members.push(
        ["org.nvmexpress.staf", "get_log_pages", tid],
        ["org.nvmexpress.staf", "get_all_log_pages", "b true"],
        ["org.nvmexpress.staf.v1", "pages", ""],
      );
    }
    const calls = members.map(([iface, member, args]) =>
      `busctl --system call ${at} ${iface} ${member} ${args}`
    );
    await guest.run(`set -e\n${calls.map((line) => `${line} >/dev/null`).join("\n")}`);
  }
}

function record(value: unknown): Readonly<Record<string, unknown>> {
  assert.ok(typeof value === "object" && value !== null);
  return Object.fromEntries(Object.entries(value));
}

async function byPython(guest: Guest, user: string): Promise<void> {
  await guest.writeFile(CLIENT, PYTHON);
  const got = record(JSON.parse(await guest.run(`runuser -u ${user} -- python3 ${CLIENT}`)));
  for (const daemon of DAEMONS) {
    const answers = record(got[daemon]);
    const expected = entries(await call(guest, daemon, "list_controllers", "b", ["false"]));
    assert.deepEqual(answers["list_controllers"], expected);
    assert.equal(answers["detailed"], expected.length);
    assert.equal(answers["explain"], expected.length);
    assert.deepEqual(answers["plan"], []);
    assert.equal(answers["tron"], false);
    assert.equal(answers["log_level"], "INFO");
    assert.equal(answers["state"], 1);
    assert.equal(answers["health"], 1);
    assert.equal(answers["controller_info"], "192.0.2.11");
  }
  const { get_all_log_pages, pages } = record(got["staf"]);
  // The discovery controller lists itself, too.
  assert.deepEqual({ get_all_log_pages, pages }, { get_all_log_pages: [NAMES.length + 1], pages: 1 });
}

const ERROR = "org.freedesktop.DBus.Error.";

async function hostile(guest: Guest, user: string): Promise<void> {
  await guest.writeFile(CLIENT, HOSTILE);
  const answers = record(JSON.parse(await guest.run(`runuser -u ${user} -- python3 ${CLIENT}`)));
  for (const daemon of DAEMONS) {
    const of = (what: string): unknown => answers[`${daemon} ${what}`];
    for (const what of ["wrong type", "no argument", "too many", "nested"]) {
      assert.equal(of(what), `${ERROR}InvalidArgs`, `${daemon} ${what}`);
    }
    for (const what of ["unknown member", "unknown path", "unknown interface", "unknown property"]) {
      assert.match(String(of(what)), /Error\.(Unknown\w+|InvalidArgs|AccessDenied)$/, `${daemon} ${what}`);
    }
    for (const what of ["read-only property", "property of another type"]) {
      assert.match(String(of(what)), /Error\.(InvalidArgs|AccessDenied)$/, `${daemon} ${what}`);
    }
    for (
      const what of [
        "huge identifier",
        "huge configuration",
        "lines without end",
        "huge question",
        "control characters",
        "200 at once",
      ]
    ) {
      // Answered, or refused with a name: never left without an answer, and never by a daemon that is gone.
      assert.match(
        String(of(what)),
        /^(answered|(answered, )?org\.freedesktop\.DBus\.Error\.(InvalidArgs|LimitsExceeded))$/,
        `${daemon} ${what}`,
      );
    }
  }
}

async function run(guest: Guest): Promise<void> {
  await guest.run("nvmet-lab up 3 && nvmet-lab mdns-up 1");
  await start(guest, "stafd", "stacd");
  await untilDiscovering(guest, ["192.0.2.11:8009"]);
  const connected = await untilConnected(guest, NAMES);
  await untilIocsListed(guest, NAMES);
  const before = await look(guest);

  await byBusctl(guest);
  await byPython(guest, "root");
  await byPython(guest, "nobody");
  await hostile(guest, "nobody");
  assert.deepEqual(await look(guest), before);

  await guest.run("systemctl restart dbus");
  await guest.until(
    "both names are back",
    "busctl --system list --no-pager --no-legend",
    (out) => DAEMONS.every((daemon) => out.includes(`org.nvmexpress.${daemon} `)),
    SOON,
  );
  await nothingChanges(guest, connected, WATCH);
  assert.deepEqual(await look(guest), before);
  await untilIocsListed(guest, NAMES);
  await byBusctl(guest);
}

export const scenario: Scenario = {
  name: "clients of the bus, hostile ones, and its restart",
  ofOurs: true,
  slow: true,
  run,
};
