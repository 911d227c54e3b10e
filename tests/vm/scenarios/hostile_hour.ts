/**
 * All that a hostile site can do, at once and for long: discovery controllers whose pages change all the time, a flood of mDNS
 * services, targets that accept connections and say nothing, and a user who floods the bus. Rightful changes are followed
 * nearly as soon as on a quiet site, no daemon is started again, and their memory does not grow (S16, S6).
 *
 * HOSTILE_MINUTES sets how long (2 unless told otherwise).
 * It fails so far: the first change is followed in time, the second one is not. Run with --all only.
 */
import assert from "node:assert/strict";
import { configureStacd, nqnOf, ONE } from "../stacd.ts";
import { start } from "../fabric.ts";
import { configure, confOf, fakeUp } from "../stafd.ts";
import { AVAHI } from "../needs.ts";
import type { Guest } from "../guest.ts";
import type { Scenario } from "../scenario.ts";
import { ON_THE_BUS } from "./bus_flood.ts";

const PROGRAM = "/var/tmp/hostile.py";
const UNITS = ["hostile-mute", "hostile-mdns", "hostile-bus"];
const PORT = 8010;
const [HOSTILE, ENTRIES, MUTE] = [10, 200, 5] as const;
const hostile = Array.from({ length: HOSTILE }, (_, n) => `192.0.2.${101 + n}`);
const mute = Array.from({ length: MUTE }, (_, n) => `192.0.2.${121 + n}`);
const NOBODY = "192.0.2.250";

/** Changes on the quiet site, whose slowest one is what the others are compared with. */
const QUIET = 5;
const TIMES = 3;
/** ms for which a connect to one that says nothing holds the kernel; each daemon may have one when the change comes. */
const HELD = 2 * 10_200;
/** A change, and memory looked at, so often. */
const MINUTE = 60;
/** kB. Memory may grow by so much while it goes on; what the garbage collector has not looked at yet is among it. */
const GROWTH = 16 * 1024;
const LIMIT = 150 * 1024;
const SLOWLY = { seconds: 240 };

/** An emulated machine is about twenty times slower than a real one: a few of each in a second are a flood there. */
const PYTHON = `
import random, socket, struct, sys, time

def mute(addresses):
    servers = []
    for address in addresses:
        for port in (4420, 8009):
            server = socket.create_server((address, port), backlog=512)
            servers.append(server)
    kept = []
    for server in servers:
        server.setblocking(False)
    while True:
        for server in servers:
            try:
                kept.append(server.accept()[0])
            except BlockingIOError:
                pass
        if len(kept) > 500:
            kept.pop(0).close()
        time.sleep(0.05)

def name(text):
    return b"".join(bytes([len(part)]) + part for part in text.encode().split(b".")) + b"\\0"

TYPE = name("_nvme-disc._tcp.local")

def service(label, address, port, ttl):
    instance = bytes([len(label)]) + label.encode() + TYPE
    host = name(label + ".local")
    def record(owner, kind, data, flush):
        return owner + struct.pack("!HHIH", kind, 0x8001 if flush else 1, ttl, len(data)) + data
    txt = b"p=tcp"
    records = [
        record(TYPE, 12, instance, False),
        record(instance, 33, struct.pack("!HHH", 0, 0, port) + host, True),
        record(instance, 16, bytes([len(txt)]) + txt, True),
        record(host, 1, socket.inet_aton(address), True),
    ]
    return struct.pack("!HHHHHH", 0, 0x8400, 0, len(records), 0, 0) + b"".join(records)

def mdns(addresses, silent):
    out = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    out.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    out.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    out.bind(("", 5353))
    out.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 255)
    out.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(addresses[0]))
    past = []
    count = 0
    while True:
        if count % 10 == 0:
            for n, address in enumerate(addresses):
                out.sendto(service("hostile%d" % n, address, ${PORT}, 300), ("224.0.0.251", 5353))
        one = ("flood%08d" % count, random.choice(silent), random.choice((4420, 8009)))
        out.sendto(service(*one, 120), ("224.0.0.251", 5353))
        past.append(one)
        count += 1
        while len(past) > 100:
            out.sendto(service(*past.pop(random.randrange(len(past))), 0), ("224.0.0.251", 5353))
        time.sleep(1)

def bus():
    exec(ON_THE_BUS, globals())
    sock.setblocking(False)
    serial = 10
    body = b"\\x01y\\0\\0" * 65536
    body = struct.pack("<I", len(body)) + body
    empty = struct.pack("<I", 1)
    while True:
        for n, daemon in enumerate(("staf", "stac")):
            own, path = "org.nvmexpress." + daemon, "/org/nvmexpress/" + daemon
            def fields(member, signature):
                return [(1, "o", path), (2, "s", own), (3, "s", member), (6, "s", own), (8, "g", signature)]
            out = b""
            out += message(1, serial, fields("list_controllers", "b"), empty)
            serial += 1
            out += message(1, serial, fields("no_such_method", "av"), body)
            serial += 1
            sock.setblocking(True)
            sock.sendall(out)
            sock.setblocking(False)
            try:
                while sock.recv(1 << 20):
                    pass
            except BlockingIOError:
                pass
        time.sleep(5)

ON_THE_BUS = '''${ON_THE_BUS.replaceAll("\\", "\\\\")}'''
what, *more = sys.argv[1:]
{"mute": lambda: mute(more), "mdns": lambda: mdns(more[:${HOSTILE}], more[${HOSTILE}:]), "bus": bus}[what]()
`;

const AND = " && ";

/** Lists one subsystem more, and prints how many ms it took until it is live. */
function change(name: string): string {
  const subsystem = `/sys/kernel/config/nvmet/subsystems/${nqnOf(name)}`;
  const isLive = `grep -qx live $(grep -lx ${nqnOf(name)} /sys/class/nvme/nvme*/subsysnqn 2>/dev/null | ` +
    `sed 's/subsysnqn$/state/') /dev/null 2>/dev/null`;
  return `nvmet-lab create ${name} && begin=$(date +%s%3N) && ` +
    `ln -s ${subsystem} /sys/kernel/config/nvmet/ports/1/subsystems/ && n=0 && ` +
    `until ${isLive}; do n=$((n+1)); [ $n -lt 1200 ] || exit 1; sleep 0.1; done; echo $(($(date +%s%3N) - begin))`;
}

const took = async (guest: Guest, name: string): Promise<number> => Number(await guest.run(change(name)));

/** Of both daemons, in kB. */
async function memory(guest: Guest): Promise<readonly number[]> {
  const text = await guest.run(
    "for d in stafd stacd; do sed -n 's/^Pss: *\\([0-9]*\\) kB/\\1/p' /proc/$(systemctl show -P MainPID $d)/smaps_rollup; done",
  );
  return text.trim().split("\n").map(Number);
}

/** Starts all that is hostile. */
async function startHostile(guest: Guest): Promise<void> {
  await guest.run(
    [...hostile, ...mute].map((address) => `ip -n tgt address add ${address}/24 dev tgt0`).join(AND),
  );
  const listed = [ONE, NOBODY, ...mute];
  await fakeUp(guest, { addr: "0.0.0.0", port: PORT, entries: ENTRIES, apart: true, stamp: true, listed });
  await guest.writeFile(PROGRAM, PYTHON);
  const inside = "ip netns exec tgt python3";
  const commands = [
    `${inside} ${PROGRAM} mute ${mute.join(" ")}`,
    `${inside} ${PROGRAM} mdns ${[...hostile, ...mute, NOBODY].join(" ")}`,
    `runuser -u nobody -- python3 ${PROGRAM} bus`,
  ];
  await guest.run(
    commands.map((command, n) =>
      `systemd-run --quiet --unit=${UNITS[n]} -p Restart=always -p RestartSec=5 ${command}`
    ).join(AND),
  );
}

const median = (times: readonly number[]): number =>
  times.toSorted((a, b) => a - b)[times.length >> 1] ?? Infinity;

async function hour(guest: Guest): Promise<void> {
  const minutes = Number(Deno.env.get("HOSTILE_MINUTES") ?? "2");
  const say = (text: string) => console.log(`        ${text}`);
  await guest.run("nvmet-lab up 1 && systemctl start avahi-daemon");
  const own = confOf([`transport=tcp;traddr=${ONE};trsvcid=8009`]);
  await configure(guest, own.replace("zeroconf = disabled", "zeroconf = enabled"));
  await configureStacd(guest, {});
  await start(guest, "stafd", "stacd");
  const processes = "systemctl show -P MainPID -P NRestarts stafd stacd";
  const begun = await guest.run(processes);
  const quiet: number[] = [];
  for (let n = 0; n < QUIET; n++) quiet.push(await took(guest, `quiet${n}`));
  say(`ms until a change is followed, quiet: ${quiet.join(" ")}`);
  const still = await memory(guest);
  await startHostile(guest);
  await guest.until(
    "all hostile discovery controllers are connected",
    "fake-cdc show",
    (out) => Number(/"connected": (\d+)/.exec(out)?.[1]) >= HOSTILE,
    SLOWLY,
  );
  const times: number[] = [];
  const used: (readonly number[])[] = [];
  for (let minute = 0; minute < minutes; minute++) {
    const until = performance.now() + MINUTE * 1000;
    times.push(await took(guest, `late${minute}`));
    if (minute % 10 === 0) {
      used.push(await memory(guest));
      say(
        `minute ${minute}: Pss of stafd and stacd, in kB: ${used.at(-1)?.join(", ")}; ms: ${times.join(" ")}`,
      );
    }
    do await guest.run("fake-cdc aen && sleep 15"); while (performance.now() < until);
    assert.equal(await guest.run(processes), begun, "a daemon was started again");
  }
  used.push(await memory(guest));
  say(`ms until a change is followed, hostile: ${times.join(" ")}`);
  say(`Pss, in kB: quiet ${still.join(", ")}; hostile ${used.map((kB) => kB.join(", ")).join("; ")}`);
  say(`CPU: ${(await guest.run("systemctl show -P CPUUsageNSec stafd stacd")).trim().replaceAll("\n", " ")}`);
  const ended = await guest.run(`systemctl show -P NRestarts ${UNITS.join(" ")}`);
  assert.deepEqual(ended.trim().split(/\s+/), UNITS.map(() => "0"), "what is hostile has ended");
  const slowest = Math.max(...quiet);
  assert.ok(median(times) <= TIMES * slowest, `the median of ${times.join(" ")} ms`);
  for (const ms of times) assert.ok(ms <= TIMES * slowest + HELD, `${ms} ms`);
  for (const [n, kB] of (used.at(-1) ?? []).entries()) {
    assert.ok(kB < LIMIT, `${kB} kB`);
    assert.ok(kB - (used[0]?.[n] ?? 0) < GROWTH, `from ${used[0]?.[n]} to ${kB} kB`);
  }
}

async function run(guest: Guest): Promise<void> {
  try {
    await hour(guest);
  } finally {
    await guest.attempt(`systemctl stop ${UNITS.join(" ")}; systemctl reset-failed ${UNITS.join(" ")}`);
  }
}

export const scenarios: readonly Scenario[] = [
  { name: "a hostile hour", ofOurs: true, slow: true, needs: AVAHI, run },
];
