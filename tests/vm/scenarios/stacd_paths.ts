/** Several paths to one subsystem; interfaces that come late; targets that do not answer. */
import assert from "node:assert/strict";
import {
  byTcp,
  configureStacd,
  configureStafd,
  identities,
  nqnOf,
  ONE,
  reloadStacd,
  tcpLine,
  untilIocs,
  untilIocsListed,
} from "../stacd.ts";
import { type Controller, controllers, SOON, start, untilConnected } from "../fabric.ts";
import type { Guest } from "../guest.ts";
import type { Scenario } from "../scenario.ts";
import { untilBlockDevice, writeAndReadBack } from "../storage.ts";

/** Port 5 of the target is the first one's address on the other interface. */
const OTHER = "198.51.100.11";

function by(list: readonly Controller[], address: string): Controller | undefined {
  return list.find((c) => c.nqn === nqnOf("multi") && c.address.includes(`traddr=${address},`));
}

async function multipath(guest: Guest): Promise<void> {
  await guest.run(
    `nvmet-lab up 0 && nvmet-lab port-add 5 ${OTHER} && nvmet-lab add multi 1 5 && nvmet-lab add single 1 && nvmet-lab add other 5`,
  );
  await configureStafd(guest, [ONE, OTHER]);
  await start(guest, "stafd", "stacd");
  const before = await untilConnected(guest, ["multi", "multi", "other", "single"]);
  const listed = await untilIocsListed(guest, ["multi", "multi", "other", "single"]);
  assert.deepEqual(
    listed.filter((entry) => entry["subsysnqn"] === nqnOf("multi")).map((entry) => entry["traddr"]).sort(),
    [ONE, OTHER],
  );
  const tree = await guest.run("stacctl tree 2>/dev/null || stacctl ls");
  for (const address of [ONE, OTHER]) assert.ok(tree.includes(address), tree);
  // One subsystem for the kernel, with both connections as its paths.
  const paths = `for s in /sys/class/nvme-subsystem/*; do [ $(cat $s/subsysnqn) = ${
    nqnOf("multi")
  } ] && ls $s; done`;
  assert.equal((await guest.run(`${paths} | grep -cx 'nvme[0-9]*'`)).trim(), "2");
  const device = await untilBlockDevice(guest, "multi");
  await writeAndReadBack(guest, "multi", device);

  // One path is taken away at the target: it goes alone, and the device works by the other one.
  const first = by(before, ONE);
  assert.ok(first !== undefined);
  await guest.run("nvmet-lab unlink multi 5");
  const after = await untilConnected(guest, ["multi", "other", "single"]);
  assert.equal(by(after, OTHER), undefined);
  assert.deepEqual(by(after, ONE), first);
  await writeAndReadBack(guest, "multi", device);
  await untilIocsListed(guest, ["multi", "other", "single"]);

  await guest.run("nvmet-lab link multi 5");
  await untilConnected(guest, ["multi", "multi", "other", "single"]);

  // A cable that is cut disconnects nothing, and what goes by the other cable goes on.
  const made = await identities(guest, ["multi", "other", "single"]);
  await guest.run("nvmet-lab net-down fab1");
  await guest.until(
    "the kernel has seen it",
    "cat /sys/class/nvme/nvme*/state",
    (out) => out.includes("connecting"),
    SOON,
  );
  await writeAndReadBack(guest, "multi", device);
  await guest.run("nvmet-lab net-up fab1");
  await untilConnected(guest, ["multi", "multi", "other", "single"]);
  assert.equal(await identities(guest, ["multi", "other", "single"]), made);
}

/** The same target address from two interfaces of this host is two controllers (requirements 20). */
async function interfaces(guest: Guest): Promise<void> {
  await guest.run(
    `nvmet-lab up 0 && nvmet-lab port-add 5 ${OTHER} && nvmet-lab add multi 1 5`,
  );
  await configureStacd(guest, {
    controllers: [tcpLine("multi", ONE, ";host-iface=fab0"), tcpLine("multi", OTHER, ";host-iface=fab1")],
  });
  await start(guest, "stacd");
  const list = await untilConnected(guest, ["multi", "multi"]);
  assert.match(by(list, ONE)?.address ?? "", /host_iface=fab0/);
  assert.match(by(list, OTHER)?.address ?? "", /host_iface=fab1/);
  await reloadStacd(guest, { controllers: [tcpLine("multi", ONE, ";host-iface=fab0")] });
  const after = await untilConnected(guest, ["multi"]);
  assert.deepEqual(by(after, ONE), by(list, ONE));
  // By an interface that does not lead there, nothing is connected.
  await reloadStacd(guest, {
    controllers: [tcpLine("multi", ONE, ";host-iface=fab0"), tcpLine("multi", ONE, ";host-iface=nowhere")],
  });
  await untilIocs(
    guest,
    "the line with an unknown interface was tried",
    (entries) => entries.some((e) => e["host-iface"] === "nowhere" && Number(e["connect attempts"]) >= 1),
  );
  assert.deepEqual((await controllers(guest)).filter((c) => !c.discovery).length, 1);
}

/** Down at the start and up later: connected at once, not when a retry timer of up to a minute says so. */
async function lateInterface(guest: Guest): Promise<void> {
  await guest.run(`nvmet-lab up 2 && nvmet-lab net-down fab0`);
  await configureStacd(guest, { controllers: [tcpLine("sub-001"), tcpLine("sub-002")] });
  await start(guest, "stacd");
  // After the fifth attempt the next one is at least 38 s off: what is connected well before is not so by chance.
  await untilIocs(
    guest,
    "both were tried a few times",
    (list) => list.length === 2 && list.every((e) => Number(e["connect attempts"]) === 5),
    { seconds: 180 },
  );
  const begin = Number((await guest.run("nvmet-lab net-up fab0 && cut -d' ' -f1 /proc/uptime")).trim());
  await untilConnected(guest, ["sub-001", "sub-002"]);
  const connected = await guest.run(
    "journalctl -o short-monotonic --no-pager _SYSTEMD_INVOCATION_ID=$(systemctl show -P InvocationID stacd) | " +
      "grep -m 1 'Connection established'",
  );
  const at = Number(/\[\s*([0-9.]+)\]/.exec(connected)?.[1] ?? Number.NaN);
  assert.ok(at - begin < 30, `connected ${at - begin} s after the link came up: ${connected}`);
}

/** A third of 30 targets does not answer at all: the others are connected as if those did not exist. */
async function deadTargets(guest: Guest): Promise<void> {
  const names = Array.from({ length: 20 }, (_, index) => `sub-${String(index + 1).padStart(3, "0")}`);
  await guest.run(
    "nvmet-lab up 20 && ip route add 203.0.113.0/24 dev fab0 && ip neigh flush dev fab0 && dmesg --clear",
  );
  // Addresses on the wire that nobody answers for: packets are lost without a word.
  const dead = names.slice(0, 10).map((name, index) => {
    const address = `203.0.113.${index + 1}`;
    return { address, line: tcpLine(name, address) };
  });
  const silence = dead.map(({ address }) => `ip neigh replace ${address} lladdr 02:00:00:00:00:01 dev fab0`);
  await guest.run(silence.join(" && "));
  const lines = names.flatMap((name, index) => {
    const blackhole = dead[Math.floor(index / 2)];
    return index % 2 === 0 && blackhole !== undefined ? [blackhole.line, tcpLine(name)] : [tcpLine(name)];
  });
  assert.equal(lines.length, 30);
  const took = async (controllers: readonly string[]): Promise<number> => {
    await guest.run("systemctl stop stacd && nvme disconnect-all && rm -rf /run/stacd");
    await configureStacd(guest, { controllers });
    await start(guest, "stacd");
    await untilConnected(guest, names);
    const text = await guest.run(
      "journalctl -o short-monotonic --no-pager _SYSTEMD_INVOCATION_ID=$(systemctl show -P InvocationID stacd)",
    );
    const times = text.split("\n").filter((line) => line.includes("Connection established")).map((line) =>
      Number(/\[\s*([0-9.]+)\]/.exec(line)?.[1] ?? Number.NaN)
    );
    assert.equal(times.length, names.length);
    return Math.max(...times) - Math.min(...times);
  };
  const without = await took(names.map((name) => tcpLine(name)));
  const withDead = await took(lines);
  console.log(
    `        first to last of 20: ${without.toFixed(1)} s; with 10 dead ones: ${withDead.toFixed(1)} s`,
  );
  await untilIocs(
    guest,
    "the dead ones were tried",
    (list) =>
      list.filter((e) => (e["traddr"] ?? "").startsWith("203.") && Number(e["connect attempts"]) >= 1)
        .length ===
        10,
  );
  // A dead one that got into the kernel would have held up all others there for seconds, and the kernel would say so.
  const refusedByKernel = "dmesg | grep -c 'failed to connect socket' || true";
  assert.equal(
    (await guest.run(refusedByKernel)).trim(),
    "0",
    "the kernel was asked to connect a dead target",
  );
  const [first] = dead;
  assert.ok(first !== undefined);
  await guest.attempt(`nvme connect ${byTcp(first.address)} -n ${nqnOf("sub-001")}`);
  assert.equal(
    (await guest.run(refusedByKernel)).trim(),
    "1",
    "what the kernel says of one is not recognised",
  );
}

export const scenarios: readonly Scenario[] = [
  { name: "stacd multipath", ofOurs: true, slow: true, run: multipath },
  { name: "stacd host interfaces", ofOurs: true, slow: true, run: interfaces },
  { name: "stacd late interface", ofOurs: true, slow: true, run: lateInterface },
  { name: "stacd dead targets", ofOurs: true, slow: true, run: deadTargets },
];
