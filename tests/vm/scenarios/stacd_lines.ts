/** `controller=` lines: every connect option arrives in the kernel; exclusions come and go; a broken file changes nothing. */
import assert from "node:assert/strict";
import {
  configureStacd,
  configureStafd,
  deviceOf,
  identities,
  nqnOf,
  ONE,
  reloadStacd,
  stacdJournal,
  staysAsItIs,
  tcpLine,
  TWO,
  untilIocs,
  untilStacdLogged,
} from "../stacd.ts";
import { controllers, SOON, start, untilConnected } from "../fabric.ts";
import { now } from "../stafd.ts";
import type { Guest } from "../guest.ts";
import type { Scenario } from "../scenario.ts";

const WATCH = 6;

async function attribute(guest: Guest, device: string, name: string): Promise<string> {
  return (await guest.run(`cat /sys/class/nvme/${device}/${name}`)).trim();
}

/** What the kernel shows of a connection is what the line, and for the rest `[Global]`, asked for. */
async function options(guest: Guest): Promise<void> {
  await guest.run("nvmet-lab up 0 && nvmet-lab add plain && nvmet-lab add tuned");
  await configureStacd(guest, {
    global: ["kato = 41", "queue-size = 64", "reconnect-delay = 7", "ctrl-loss-tmo = 70", "nr-io-queues = 2"],
    controllers: [],
  });
  await start(guest, "stacd");
  await guest.run(
    "systemd-run --quiet --collect --unit=trace strace -f -qq -e trace=write -s 2000 -o /run/trace " +
      "-p $(systemctl show -P MainPID stacd)",
  );
  await guest.until(
    "strace is attached",
    "grep -h TracerPid /proc/$(systemctl show -P MainPID stacd)/status",
    (out) => !/TracerPid:\s+0$/.test(out.trim()),
    SOON,
  );
  await reloadStacd(guest, {
    global: ["kato = 41", "queue-size = 64", "reconnect-delay = 7", "ctrl-loss-tmo = 70", "nr-io-queues = 2"],
    controllers: [
      tcpLine("plain"),
      tcpLine(
        "tuned",
        ONE,
        ";kato=17;queue-size=32;reconnect-delay=3;ctrl-loss-tmo=-1;nr-io-queues=1;nr-write-queues=1;" +
          "hdr-digest=true;data-digest=true;disable-sqflow=true;host-traddr=192.0.2.1;host-iface=fab0",
      ),
    ],
  });
  const list = await untilConnected(guest, ["plain", "tuned"]);
  await guest.run("systemctl stop trace");
  const plain = deviceOf(list, "plain");
  const tuned = deviceOf(list, "tuned");
  const shown = async (device: string) =>
    Object.fromEntries(
      await Promise.all(
        ["kato", "sqsize", "reconnect_delay", "ctrl_loss_tmo", "queue_count"].map(async (name) =>
          [name, await attribute(guest, device, name)] as const
        ),
      ),
    );
  assert.deepEqual(await shown(plain), {
    kato: "41",
    sqsize: "63",
    reconnect_delay: "7",
    ctrl_loss_tmo: "70",
    queue_count: "3",
  });
  assert.deepEqual(await shown(tuned), {
    kato: "17",
    sqsize: "31",
    reconnect_delay: "3",
    ctrl_loss_tmo: "off",
    queue_count: "3",
  });
  assert.match(await attribute(guest, tuned, "address"), /host_traddr=192\.0\.2\.1,host_iface=fab0/);
  const written = (await guest.run(`grep -F '${nqnOf("tuned")},' /run/trace`)).trim();
  for (
    const option of ["hdr_digest", "data_digest", "disable_sqflow", "nr_io_queues=1", "nr_write_queues=1"]
  ) {
    assert.ok(written.includes(`,${option}`), `${option} in: ${written}`);
  }
  assert.doesNotMatch(
    await guest.run(`grep -F '${nqnOf("plain")},' /run/trace`),
    /digest|sqflow|write_queues/,
  );
  await guest.run("rm -f /run/trace");
}

async function exclusions(guest: Guest): Promise<void> {
  await guest.run("nvmet-lab up 2 && nvmet-lab add line");
  await configureStafd(guest, [ONE]);
  await configureStacd(guest, { controllers: [tcpLine("line")] });
  await start(guest, "stafd", "stacd");
  const all = ["line", "sub-001", "sub-002"];
  await untilConnected(guest, all);
  const made = await identities(guest, ["sub-002"]);
  let since = await now(guest);
  await reloadStacd(guest, {
    controllers: [tcpLine("line")],
    excludes: [`nqn=${nqnOf("line")}`, `transport=tcp;traddr=${ONE};nqn=${nqnOf("sub-001")}`],
  });
  await untilConnected(guest, ["sub-002"]);
  const text = await stacdJournal(guest, since);
  assert.match(text, /:sub-001.*Disconnect initiated: .*stacd\.conf:\d+.*exclude/);
  assert.match(text, /:line.*Disconnect initiated: .*stacd\.conf:\d+.*exclude/);
  // Also not when its discovery controller speaks of it again.
  await guest.run("nvmet-lab add more");
  await untilConnected(guest, ["more", "sub-002"]);
  await staysAsItIs(guest, WATCH);

  await reloadStacd(guest, { controllers: [tcpLine("line")] });
  await untilConnected(guest, [...all, "more"]);
  assert.equal(await identities(guest, ["sub-002"]), made, "what is not excluded was made again");

  // A target that cannot be reached, excluded while its retry timer runs, is not tried when it appears.
  const absent = "transport=tcp;traddr=192.0.2.15;trsvcid=8009;nqn=" + nqnOf("late");
  await reloadStacd(guest, { controllers: [tcpLine("line"), absent] });
  await untilIocs(
    guest,
    "the absent one was tried",
    (list) => list.some((e) => e["traddr"] === "192.0.2.15" && Number(e["connect attempts"]) >= 1),
  );
  await reloadStacd(guest, { controllers: [tcpLine("line"), absent], excludes: ["traddr=192.0.2.15"] });
  await guest.run("nvmet-lab port-add 5 && nvmet-lab add late 5");
  await staysAsItIs(guest, 10);
  since = await now(guest);
  await reloadStacd(guest, { controllers: [tcpLine("line"), absent] });
  await untilConnected(guest, [...all, "late", "more"]);
}

async function brokenFile(guest: Guest): Promise<void> {
  await guest.run("nvmet-lab up 2 --dcs 2 && nvmet-lab add line 2");
  await configureStafd(guest, [ONE]);
  const good = { controllers: [tcpLine("line", TWO)] };
  await configureStacd(guest, good);
  await start(guest, "stafd", "stacd");
  const all = ["line", "sub-001", "sub-002"];
  await untilConnected(guest, all);
  const made = await identities(guest, all);
  for (
    const [text, says] of [
      ["controller = transport=tcp\n", /stacd\.conf:1:\d+.*[\s\S]*stays in force/],
      ["[Controllers\nexclude = traddr=192.0.2.11\n", /stacd\.conf:1:\d+.*[\s\S]*stays in force/],
    ] as const
  ) {
    const since = await now(guest);
    await guest.writeFile("/etc/stas/stacd.conf", text);
    await guest.run("systemctl reload stacd");
    await untilStacdLogged(guest, since, says);
    await staysAsItIs(guest, WATCH);
    assert.equal(await identities(guest, all), made);
  }
  // One line that cannot be understood may be any of those that are missing now: none of them is withdrawn.
  const since = await now(guest);
  await reloadStacd(guest, { controllers: ["transport=tcp;traddr;trsvcid=8009"] });
  await untilStacdLogged(guest, since, /stacd\.conf:\d+/);
  await staysAsItIs(guest, WATCH);
  assert.equal(await identities(guest, all), made);
  await reloadStacd(guest, {});
  await untilConnected(guest, ["sub-001", "sub-002"]);
  assert.deepEqual((await controllers(guest)).filter((c) => c.nqn === nqnOf("line")), []);
}

export const scenarios: readonly Scenario[] = [
  { name: "stacd connect options", ofOurs: true, slow: true, run: options },
  { name: "stacd exclusions at reload", ofOurs: true, slow: true, run: exclusions },
  { name: "stacd reload of a broken file", ofOurs: true, slow: true, run: brokenFile },
];
