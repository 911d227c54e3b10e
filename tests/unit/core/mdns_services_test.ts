/** What stafd makes of the addresses that mDNS tells. */
import assert from "node:assert/strict";
import { parseStafdConf } from "../../../src/lib/config/stafd_conf.ts";
import type { StafdEffect, StafdEvent } from "../../../src/lib/core/effects.ts";
import { emptyFleet } from "../../../src/lib/core/fleet/fleet.ts";
import { stepStafd } from "../../../src/lib/core/stafd/stafd_step.ts";
import { emptyStafd, MAX_SERVICES, type StafdState } from "../../../src/lib/core/stafd/stafd_state.ts";
import type { MdnsService } from "../../../src/lib/ports.ts";
import { WORK_FOR_EACH } from "../../simulation/budget.ts";

const NOW = { mono: 0, wall: 0 };

const service = (hostIface: string, traddr: string, p: string): MdnsService => ({
  key: `${hostIface} ${traddr}`,
  hostIface,
  protocol: "IPv6",
  name: "lab",
  stype: "_nvme-disc._tcp",
  domain: "local",
  traddr,
  port: 8009,
  txt: [new TextEncoder().encode(`p=${p}`)],
});

/** Addresses and interfaces of the controllers that these services make, and the errors logged. */
function found(
  text: string,
  services: readonly MdnsService[],
): { made: string[]; errors: string[]; state: StafdState } {
  const parsed = parseStafdConf(text, "stafd.conf");
  assert.ok(parsed.ok);
  let state: StafdState = emptyStafd;
  const effects: StafdEffect[] = [];
  const take = (event: StafdEvent): void => {
    const step = stepStafd(state, event, NOW);
    state = step.state;
    effects.push(...step.effects);
  };
  const hostNqn = "nqn.2014-08.org.nvmexpress:uuid:01234567-89ab-cdef-0123-456789abcdef";
  take({ type: "host", host: { nqn: hostNqn, id: hostNqn.slice(-36), symname: "", key: undefined } });
  take({ type: "config", conf: parsed.conf, reload: false });
  take({ type: "avahi", available: true, message: "avahi-daemon is available" });
  for (const one of services) take({ type: "service", service: one });
  return {
    state,
    made: [...state.fleet.ctls.values()].map(({ tid }) => `${tid.traddr} ${tid.hostIface}`.trim()).sort(),
    errors: effects.flatMap((effect) =>
      effect.do === "log" && effect.entry.level === "error" ? [effect.entry.message] : []
    ),
  };
}

Deno.test("the interface that heard of a controller goes with it; where it may not, a link-local address keeps its scope", () => {
  const services = [service("eth0", "fe80::1", "tcp"), service("eth0", "fd00::1", "tcp")];
  assert.deepEqual(found("", services).made, ["fd00::1 eth0", "fe80::1 eth0"]);
  assert.deepEqual(found("[Global]\nignore-iface = true\n", services).made, ["fd00::1", "fe80::1%eth0"]);
  assert.deepEqual(found("", [service("eth0", "fe80::1", "rdma")]).made, ["fe80::1%eth0"]);
});

Deno.test("one address on two interfaces is said once; link-local ones may well be equal (STAF-40)", () => {
  const twice = (traddr: string) => [service("eth0", traddr, "tcp"), service("eth1", traddr, "tcp")];
  assert.deepEqual(found("", twice("fd00::1")).errors, [
    "IP address fd00::1 was found on multiple interfaces: eth0, eth1",
  ]);
  const linkLocal = found("", twice("fe80::1"));
  assert.deepEqual([linkLocal.errors, linkLocal.made], [[], ["fe80::1 eth0", "fe80::1 eth1"]]);
});

/** So many services on each interface, one more on `more`, and how many each has then. */
function crowded(counts: Readonly<Record<string, number>>, more: string): Readonly<Record<string, number>> {
  const heard = Object.entries(counts).flatMap(([iface, count]) =>
    Array.from({ length: count }, (_, n) => service(iface, `10.${n >> 16}.${n >> 8 & 255}.${n & 255}`, "tcp"))
  );
  assert.equal(heard.length, MAX_SERVICES);
  const { state } = found("", [...heard, service(more, "10.99.0.1", "tcp")]);
  assert.equal(state.services.size, MAX_SERVICES);
  const left: Record<string, number> = {};
  for (const { service: { hostIface } } of state.services.values()) {
    left[hostIface] = (left[hostIface] ?? 0) + 1;
  }
  return left;
}

Deno.test("S16: the interface with most services gives way, and only to one that has two fewer at least", () => {
  for (
    const [most, some, least] of [["eth0", "eth1", "eth2"], ["eth1", "eth2", "eth0"], [
      "eth2",
      "eth0",
      "eth1",
    ]] as const
  ) {
    const uneven = { [most]: 343, [some]: 341, [least]: 340 };
    assert.deepEqual(crowded(uneven, least), { ...uneven, [most]: 342, [least]: 341 });
    assert.deepEqual(crowded(uneven, most), uneven);
  }
  const even = { eth1: 341, eth0: 342, eth2: 341 };
  assert.deepEqual(crowded(even, "eth1"), even, "or the two would take turns for ever");
  const pairs = Object.fromEntries(Array.from({ length: MAX_SERVICES / 2 }, (_, n) => [`eth${n}`, 2]));
  assert.equal(crowded(pairs, "new")["new"], 1);
});

Deno.test("S11: services that were left out are taken in again in one step whose work is in proportion to their number", () => {
  const services = Array.from(
    { length: MAX_SERVICES },
    (_, n) => service("eth0", `10.0.${n >> 8}.${n & 255}`, "tcp"),
  );
  const { state } = found("", services);
  assert.equal(state.fleet.ctls.size, MAX_SERVICES);
  const fleet = { ...state.fleet, leftOut: true, ctls: emptyFleet.ctls, ctlsAt: emptyFleet.ctlsAt };
  const step = stepStafd({ ...state, fleet }, { type: "tick" }, NOW);
  assert.equal(step.state.fleet.ctls.size, MAX_SERVICES);
  const work = step.work ?? 0;
  assert.ok(work > 0 && work <= WORK_FOR_EACH * 2 * MAX_SERVICES, `${work} looks and decisions`);
});
