/** `doctor`: mDNS, and the route to each controller. */
import { parseStafdConf } from "../lib/config/stafd_conf.ts";
import { type Bus, DBUS } from "../lib/dbus/bus.ts";
import { containerOf } from "../lib/base/container.ts";
import type { V1State } from "../lib/dbus/v1_types.ts";
import {
  bad,
  type Diagnosis,
  exists,
  good,
  namesIn,
  notice,
  PATIENCE,
  type Patient,
  warning,
} from "./doctor_finding.ts";
import { readFileText } from "./host_identity.ts";
import type { World } from "./world.ts";

const AVAHI = "org.freedesktop.Avahi";
const FIREWALLD = "org.fedoraproject.FirewallD1";
/** Routes that are looked up. */
const MAX_ROUTES = 64;

export async function examineNetwork(patient: Patient): Promise<readonly Diagnosis[]> {
  const { world, bus, daemon, state } = patient;
  const mdns = daemon === "stafd" ? await examineMdns(world, bus) : [];
  return [...mdns, ...await examineRoutes(world, state)];
}

async function examineMdns(world: World, bus: Bus | undefined): Promise<readonly Diagnosis[]> {
  const file = `${world.confDir}/stafd.conf`;
  const text = readFileText(file);
  const conf = parseStafdConf(text.ok ? text.text : undefined, file);
  if (conf.ok && !conf.conf.zeroconf.value) return [good("mDNS is switched off in stafd.conf")];
  const found: Diagnosis[] = [];
  if (bus !== undefined) {
    found.push(
      await isOwned(bus, AVAHI)
        ? good("Avahi is running")
        : await isActivatable(bus, AVAHI)
        ? notice("Avahi is not running; it will be started on demand")
        : noAvahi(world),
    );
  }
  found.push(...examineMemberships(world.root), ...await examineFirewall(world, bus));
  return found;
}

/** In a container it is a matter of which bus that is. */
function noAvahi(world: World): Diagnosis {
  const made = containerOf((path) => exists(world.root + path), (name) => world.env(name));
  return made === undefined
    ? warning(
      "Avahi is not installed: no discovery controller is found by mDNS",
      "install avahi-daemon, or set zeroconf=disabled in stafd.conf",
    )
    : warning(
      "there is no Avahi on this container's bus: no discovery controller is found by mDNS",
      "--volume /run/dbus:/run/dbus for the host's bus, or write zeroconf=disabled into stafd.conf",
    );
}

async function isOwned(bus: Bus, name: string): Promise<boolean> {
  const reply = await bus.callBus("NameHasOwner", "s", [name]);
  return reply.ok && reply.body[0] === true;
}

async function isActivatable(bus: Bus, name: string): Promise<boolean> {
  const reply = await bus.callBus("ListActivatableNames", "", []);
  const names = reply.ok ? reply.body[0] : undefined;
  return Array.isArray(names) && names.includes(name);
}

/** LIM-7: Avahi joins one multicast group on each interface. */
function examineMemberships(root: string): readonly Diagnosis[] {
  const name = "net.ipv4.igmp_max_memberships";
  const limit = readFileText(`${root}/proc/sys/net/ipv4/igmp_max_memberships`);
  if (!limit.ok) return [];
  const base = `${root}/sys/class/net`;
  const up = namesIn(base).filter((device) => {
    const state = readFileText(`${base}/${device}/operstate`);
    return state.ok && ["up", "unknown"].includes(state.text.trim());
  });
  const most = Number(limit.text);
  if (up.length < most) return [];
  return [warning(
    `${up.length} ${
      up.length === 1 ? "interface is" : "interfaces are"
    } up, but mDNS works on at most ${most} of them (${name})`,
    `sysctl -w ${name}=${up.length * 2}`,
  )];
}

async function examineFirewall(world: World, bus: Bus | undefined): Promise<readonly Diagnosis[]> {
  if (bus !== undefined && await isOwned(bus, FIREWALLD)) {
    const reply = await bus.call({
      destination: FIREWALLD,
      path: "/org/fedoraproject/FirewallD1",
      interface: `${FIREWALLD}.zone`,
      member: "queryService",
      signature: "ss",
      args: ["", "mdns"],
      timeout: PATIENCE,
    });
    if (!reply.ok) {
      return [
        notice(
          "firewalld is running but did not say whether it allows mDNS",
          "firewall-cmd --query-service=mdns",
        ),
      ];
    }
    if (reply.body[0] === true) return [good("firewalld allows mDNS in its default zone")];
    return [warning(
      "firewalld blocks mDNS (UDP 5353) in its default zone",
      "firewall-cmd --permanent --add-service=mdns && firewall-cmd --reload",
    )];
  }
  if (world.uid !== 0) return [];
  const rules = await world.run(["nft", "list", "ruleset"], PATIENCE);
  if (rules === undefined || !rules.success) return [];
  // Good enough to warn of the usual case: a policy that drops everything not named.
  const drops = /hook input[^;]*;\s*policy drop/.test(rules.out);
  if (!drops || /\b(?:5353|mdns)\b/.test(rules.out)) return [];
  return [warning(
    "the packet filter drops packets by default, and has no rule for mDNS (UDP 5353)",
    "nft add rule inet filter input udp dport 5353 accept",
  )];
}

/** The most programs that run in parallel. */
const ROUTES_AT_ONCE = 16;
/** The most addresses that are shown. */
const MAX_NAMES = 3;

const someOf = (names: readonly string[]): string =>
  names.length <= MAX_NAMES
    ? names.join(", ")
    : `${names.length} addresses (${names.slice(0, MAX_NAMES).join(", ")} and others)`;

async function examineRoutes(world: World, state: V1State | undefined): Promise<readonly Diagnosis[]> {
  const wanted = new Map<string, readonly string[]>();
  for (const { tid } of state?.controllers ?? []) {
    if (tid.transport !== "tcp" && tid.transport !== "rdma") continue;
    const from = tid.hostTraddr === "" ? [] : ["from", tid.hostTraddr];
    const via = tid.hostIface === "" ? [] : ["oif", tid.hostIface];
    const query = [tid.traddr.split("%")[0] ?? "", ...from, ...via];
    wanted.set(query.join(" "), query);
  }
  let fine = 0;
  const missing = new Map<string, string[]>();
  const queries = [...wanted.values()].slice(0, MAX_ROUTES);
  for (let start = 0; start < queries.length; start += ROUTES_AT_ONCE) {
    const some = queries.slice(start, start + ROUTES_AT_ONCE);
    const all = await Promise.all(some.map((query) => world.run(["ip", "route", "get", ...query], PATIENCE)));
    for (const [n, ran] of all.entries()) {
      if (ran === undefined) return [];
      if (ran.success) fine += 1;
      else {
        const why = ran.err.trim().split("\n")[0] ?? "";
        missing.set(why, [...missing.get(why) ?? [], (some[n] ?? []).join(" ")]);
      }
    }
  }
  // One cause is one finding, however many addresses it concerns.
  const found: Diagnosis[] = [...missing].map(([why, queries]) =>
    bad(`there is no route to ${someOf(queries)}: ${why}`, "ip route; check the interface and its address")
  );
  if (fine > 0) found.push(good(`there is a route to ${fine === 1 ? "1 address" : `${fine} addresses`}`));
  if (wanted.size > MAX_ROUTES) found.push(notice(`only the first ${MAX_ROUTES} routes were looked up`));
  return found;
}

/** The process that owns a name on the bus. */
export async function processOf(bus: Bus, name: string): Promise<number | undefined> {
  const reply = await bus.call({
    destination: DBUS,
    path: "/org/freedesktop/DBus",
    interface: DBUS,
    member: "GetConnectionUnixProcessID",
    signature: "s",
    args: [name],
    timeout: PATIENCE,
  });
  const pid = reply.ok ? reply.body[0] : undefined;
  return typeof pid === "number" ? pid : undefined;
}
