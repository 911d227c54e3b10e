import assert from "node:assert/strict";
import { main as stacctl } from "../../../src/ctl/stacctl.ts";
import { main as stafctl } from "../../../src/ctl/stafctl.ts";
import { Bus } from "../../../src/lib/dbus/bus.ts";
import { STAF } from "../../../src/lib/dbus/interfaces.ts";
import type { StafHandlers } from "../../../src/lib/dbus/server.ts";
import { fakeWorld } from "../../unit/ctl/fake_world.ts";
import { privateBus } from "../dbus/private_bus.ts";
import { HOST_NQN, sampleDaemon } from "./sample_daemon.ts";

type Run = (
  program: typeof stafctl,
  ...args: readonly string[]
) => Promise<readonly [number, string, string]>;

async function withDaemons(
  test: (run: Run) => Promise<void>,
  over: Partial<StafHandlers> = {},
): Promise<void> {
  await using bus = await privateBus();
  const daemon = await sampleDaemon(bus.address, over);
  const confDir = await Deno.makeTempDir();
  await Deno.writeTextFile(`${confDir}/sys.conf`, `[Host]\nnqn=${HOST_NQN}\n`);
  await test(async (program, ...args) => {
    const world = fakeWorld({ bus: bus.address, confDir });
    return [await program(args, world), world.out.text, world.err.text];
  });
  daemon.close();
  await Deno.remove(confDir, { recursive: true });
}

const LS = `[{'device': 'nvme0',
  'host-iface': '',
  'host-nqn': 'nqn.2014-08.org.nvmexpress:uuid:01234567-0123-0123-0123-0123456789ab',
  'host-traddr': '',
  'subsysnqn': 'nqn.2014-08.org.nvmexpress.discovery',
  'traddr': '127.0.0.1',
  'transport': 'tcp',
  'trsvcid': '8009'}]
`;

const STATUS = `{'avahi': {'avahi wake up timer': '60.0s [off]',
           'service types': ['_nvme-disc._udp', '_nvme-disc._tcp'],
           'services': {'(lo, IPv6, B.local, _nvme-disc._tcp)': {'host-iface': 'lo',
                                                                 'reachable': 'False',
                                                                 'subsysnqn': 'nqn.2014-08.org.nvmexpress.discovery',
                                                                 'traddr': '::1',
                                                                 'transport': 'tcp',
                                                                 'trsvcid': '8010'}}},
 'config soak timer': '1.5s [off]',
 'controllers': [{'cntrltype': '',
                  'connect attempts': '0',
                  'connected': 'True',
                  'dctype': '',
                  'device': 'nvme0',
                  'get log page operation': "{'fail count': 0, 'completed': True, 'alive': True}",
                  'get supported log page operation': "{'fail count': 0, 'completed': True, 'alive': True}",
                  'host-iface': '',
                  'host-nqn': 'nqn.2014-08.org.nvmexpress:uuid:01234567-0123-0123-0123-0123456789ab',
                  'host-traddr': '',
                  'hostid': '',
                  'hostnqn': '',
                  'log_pages': [{'adrfam': 'ipv4',
                                 'asqsz': '32',
                                 'cntlid': '65535',
                                 'eflags': '0',
                                 'portid': '1',
                                 'subnqn': 'nqn.2014-08.org.example:a',
                                 'subtype': 'nvme',
                                 'traddr': '127.0.0.1',
                                 'treq': 'disable sqflow',
                                 'trsvcid': '4420',
                                 'trtype': 'tcp',
                                 'tsas': "{'sectype': 'none'}"}],
                  'model': '',
                  'origin': 'configured',
                  'register operation': "{'fail count': 0, 'completed': True, 'alive': True}",
                  'retry connect timer': '60.0s [off]',
                  'serial': '',
                  'subsysnqn': 'nqn.2014-08.org.nvmexpress.discovery',
                  'traddr': '127.0.0.1',
                  'transport': 'tcp',
                  'trsvcid': '8009'}],
 'hostid': '01234567-89ab-cdef-0123-456789abcdef',
 'hostkey': None,
 'hostnqn': 'nqn.2014-08.org.nvmexpress:uuid:01234567-0123-0123-0123-0123456789ab',
 'kernel support.TP8013': 'True',
 'kernel support.host_iface': 'True',
 'last known config file': '/run/stafd/last-known-config.pickle',
 'log-level': 'INFO',
 'symname': None,
 'terminator.audit timer': '30.0s [off]',
 'tron': False}
`;

const ENTRIES = `[{'adrfam': 'ipv4',
  'asqsz': '32',
  'cntlid': '65535',
  'eflags': '0',
  'portid': '1',
  'subnqn': 'nqn.2014-08.org.example:a',
  'subtype': 'nvme',
  'traddr': '127.0.0.1',
  'treq': 'disable sqflow',
  'trsvcid': '4420',
  'trtype': 'tcp',
  'tsas': "{'sectype': 'none'}"}]
`;

Deno.test("ls, status and dlp into a pipe print the samples of requirements 60 byte for byte (CLI-15, CLI-30)", () =>
  withDaemons(async (run) => {
    assert.deepEqual(await run(stafctl, "ls"), [0, LS, ""]);
    assert.deepEqual(await run(stafctl, "status"), [0, STATUS, ""]);
    assert.deepEqual(await run(stafctl, "dlp", "-a", "127.0.0.1", "-s", "8009"), [0, ENTRIES, ""]);
    // CLI-16
    assert.deepEqual(await run(stafctl, "dlp", "-a", "1.1.1.1", "-s", "8009"), [0, "[]\n", ""]);
    const [status, out] = await run(stacctl, "status");
    assert.equal(status, 0);
    assert.ok(!out.includes("log_pages"));
  }));

Deno.test("adlp and detailed lists", () =>
  withDaemons(async (run) => {
    const [status, out] = await run(stafctl, "adlp");
    assert.equal(status, 0);
    assert.ok(
      out.startsWith(
        "[{'discovery-controller': {'device': 'nvme0',\n                           'host-iface': '',",
      ),
      out,
    );
    assert.ok(out.endsWith("                 'tsas': \"{'sectype': 'none'}\"}]}]\n"), out);
    assert.match((await run(stafctl, "adlp", "--detailed"))[1], /'connect attempts': '0'/);
    assert.match((await run(stacctl, "ls", "-d"))[1], /^\[\{'cntrltype': ''/);
  }));

Deno.test("an empty list is [] (CLI-14)", () =>
  withDaemons(async (run) => assert.deepEqual(await run(stacctl, "ls"), [0, "[]\n", ""]), {
    listControllers: () => [],
  }));

Deno.test("tron and troff print what was read back (CLI-13)", () =>
  withDaemons(async (run) => {
    assert.deepEqual(await run(stafctl, "tron"), [0, "tron = True\n", ""]);
    assert.deepEqual(await run(stacctl, "troff"), [0, "tron = False\n", ""]);
  }));

Deno.test("the daemon does not run, another version runs, answers rubbish: each in its own words, exit 1", async () => {
  await using bus = await privateBus();
  const run = async (...args: readonly string[]): Promise<readonly [number, string, string]> => {
    const world = fakeWorld({ bus: bus.address });
    return [await stafctl(args, world), world.out.text, world.err.text];
  };
  const [status, out, err] = await run("ls");
  assert.deepEqual([status, out], [1, ""]);
  assert.match(
    err,
    /^stafctl: cannot reach stafd over D-Bus: is it running\? start it: systemctl start stafd\n$/,
  );
  assert.equal((await run("status", "-o", "json"))[0], 4);

  const original = await Bus.connect(bus.address);
  assert.ok(original.ok);
  original.bus.exportObject(
    STAF.path,
    (call) =>
      call.member === "list_controllers"
        ? { ok: true, signature: "aa{ss}", body: [[{ device: "nvme7", transport: "tcp" }]] }
        : { ok: false, error: { name: "org.freedesktop.DBus.Error.UnknownMethod", message: "no" } },
  );
  await original.bus.requestName(STAF.name);
  assert.match((await run("ls", "-o", "table"))[1], /^DEVICE .*\nnvme7 +tcp\n$/);
  const [degraded, , words] = await run("status", "-o", "table");
  assert.equal(degraded, 4);
  assert.match(words, /^stafctl: the running stafd cannot tell its status: it is of another version/);
  original.bus.close();
  await original.bus.closed;

  const rubbish = await sampleDaemon(bus.address, {
    processInfo: () => "rubbish",
    state: () => '{"schema":2}',
  });
  assert.match((await run("status"))[2], /stafd says: the daemon's answer is not JSON/);
  assert.match(
    (await run("ls", "-o", "json"))[2],
    /state.schema: not 1: this program does not understand it/,
  );
  rubbish.close();
});

Deno.test("access denied by the bus policy is said as such (CLI-12)", async () => {
  await using bus = await privateBus(
    `<policy context="default">
       <deny send_destination="org.nvmexpress.staf" send_interface="org.freedesktop.DBus.Properties" send_member="Set"/>
     </policy>`,
  );
  const daemon = await sampleDaemon(bus.address);
  const world = fakeWorld({ bus: bus.address });
  assert.equal(await stafctl(["tron"], world), 1);
  assert.equal(
    world.err.text,
    "stafctl: access denied: stafd does not let you change tron; only root may: use sudo\n",
  );
  daemon.close();
});
