/** What stafd makes of the addresses that mDNS tells. */
import assert from "node:assert/strict";
import { parseStafdConf } from "../../../src/lib/config/stafd_conf.ts";
import type { StafdEffect, StafdEvent } from "../../../src/lib/core/effects.ts";
import { stepStafd } from "../../../src/lib/core/stafd/stafd_step.ts";
import { emptyStafd, type StafdState } from "../../../src/lib/core/stafd/stafd_state.ts";
import type { MdnsService } from "../../../src/lib/ports.ts";

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
function found(text: string, services: readonly MdnsService[]): { made: string[]; errors: string[] } {
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
