/**
 * Connects of which the kernel decides by rules of its own. The simulated kernel is asked these here, and the real one in
 * `scenarios/kernel_rules.ts`; what they answer has to be the same. The lab has one subsystem and the discovery service at
 * 192.0.2.11:8009, which is on fab0.
 */
import { Discovery, entryFor } from "../../src/lib/sim/discovery.ts";
import type { Release } from "../../src/lib/sim/release.ts";
import { VirtualTime } from "../../src/lib/sim/scheduler.ts";
import { World } from "../../src/lib/sim/world.ts";
import { type Tid, WELL_KNOWN_DISC_NQN } from "../../src/lib/nvme/tid.ts";
import type { ConnectRequest } from "../../src/lib/ports.ts";

/** What a write to the fabrics device ends with: the connection, or an error. */
export type Answer = "connected" | string;

export interface Question {
  readonly name: string;
  /** One after the other; none of the connections that they make goes before the last. */
  readonly writes: readonly ConnectRequest[];
  /** What a kernel of today was heard to answer. */
  readonly answers: readonly Answer[];
}

/** At whose address everything is. */
const TARGET = "192.0.2.11";
export const SUBSYSTEM = "nqn.2024-01.io.example:sub-001";

const HOSTS = ["11111111-1111-4111-8111-111111111111", "22222222-2222-4222-8222-222222222222"] as const;
const hostNqn = (id: string): string => `nqn.2014-08.org.nvmexpress:uuid:${id}`;
const [FIRST, SECOND] = HOSTS;

interface Asked extends Partial<Tid> {
  readonly hostId?: string;
  readonly discovery?: boolean;
}

function connect({ hostId = FIRST, discovery = false, ...tid }: Asked = {}): ConnectRequest {
  return {
    tid: {
      transport: "tcp",
      traddr: TARGET,
      trsvcid: "8009",
      subsysnqn: SUBSYSTEM,
      hostTraddr: "",
      hostIface: "",
      hostNqn: hostNqn(FIRST),
      ...tid,
    },
    hostId,
    discovery,
    options: {},
    keys: {},
  };
}

const DISCOVERY = { subsysnqn: WELL_KNOWN_DISC_NQN, discovery: true } as const;

export const QUESTIONS: readonly Question[] = [
  {
    name: "the same I/O controller twice",
    writes: [connect(), connect()],
    answers: ["connected", "EALREADY"],
  },
  {
    name: "an interface is given for the second one only",
    writes: [connect(), connect({ hostIface: "fab0" })],
    answers: ["connected", "connected"],
  },
  {
    name: "an interface is given for the first one only",
    writes: [connect({ hostIface: "fab0" }), connect()],
    answers: ["connected", "connected"],
  },
  {
    name: "the same interface is given for both",
    writes: [connect({ hostIface: "fab0" }), connect({ hostIface: "fab0" })],
    answers: ["connected", "EALREADY"],
  },
  {
    name: "a source address is given for the second one only",
    writes: [connect(), connect({ hostTraddr: "192.0.2.1" })],
    answers: ["connected", "connected"],
  },
  {
    name: "a source address is given for the first one only",
    writes: [connect({ hostTraddr: "192.0.2.1" }), connect()],
    answers: ["connected", "connected"],
  },
  {
    name: "the same source address is given for both",
    writes: [connect({ hostTraddr: "192.0.2.1" }), connect({ hostTraddr: "192.0.2.1" })],
    answers: ["connected", "EALREADY"],
  },
  {
    name: "the discovery controller twice",
    writes: [connect(DISCOVERY), connect(DISCOVERY)],
    answers: ["connected", "connected"],
  },
  {
    name: "a subsystem with namespaces as a discovery controller",
    writes: [connect({ discovery: true })],
    answers: ["EINVAL"],
  },
  {
    name: "another host ID for a host NQN that is in use",
    writes: [connect(), connect({ hostId: SECOND })],
    answers: ["connected", "EINVAL"],
  },
  {
    name: "another host NQN for a host ID that is in use",
    writes: [connect(), connect({ hostNqn: hostNqn(SECOND) })],
    answers: ["connected", "EINVAL"],
  },
  {
    name: "another host altogether",
    writes: [connect(), connect({ hostNqn: hostNqn(SECOND), hostId: SECOND })],
    answers: ["connected", "connected"],
  },
  {
    name: "another host ID for the discovery controller alone",
    writes: [connect(DISCOVERY), connect({ ...DISCOVERY, hostId: SECOND })],
    answers: ["connected", "EINVAL"],
  },
  {
    name: "a subsystem that does not exist",
    writes: [connect({ subsysnqn: "nqn.2024-01.io.example:nobody" })],
    answers: ["EIO"],
  },
  {
    name: "a port where nothing listens",
    writes: [connect({ trsvcid: "4421" })],
    answers: ["ECONNREFUSED"],
  },
  {
    name: "an interface that does not exist",
    writes: [connect({ hostIface: "fab7" })],
    answers: ["ENODEV"],
  },
  {
    name: "a source address that is not the host's",
    writes: [connect({ hostTraddr: "192.0.2.77" })],
    answers: ["EADDRNOTAVAIL"],
  },
];

/** What the simulated kernel of this release answers. */
export async function simulated({ writes }: Question, release: Release): Promise<readonly Answer[]> {
  const time = new VirtualTime();
  const world = new World(time, 1);
  world.kernel.devices.release = release;
  for (
    const [n, net] of ["192.0.2.", "198.51.100."].entries()
  ) {
    const mac = `02:00:00:00:00:0${n + 1}`;
    world.fabric.addInterface({ name: `fab${n}`, index: n + 2, mac, v4: [`${net}1`], v6: [], nets: [net] });
  }
  const at = { transport: "tcp", traddr: TARGET, trsvcid: "8009" } as const;
  const subsystem = world.addSubsystem(at, SUBSYSTEM);
  world.addDiscovery(at, WELL_KNOWN_DISC_NQN, new Discovery("ddc", [entryFor(subsystem, "nvme")]));
  const closed = world.addSubsystem({ ...at, trsvcid: "4421" }, SUBSYSTEM);
  world.setManner(closed, "closed");
  const answers: Answer[] = [];
  for (const request of writes) {
    const answer = new Promise<Answer>((resolve) => {
      world.kernel.connecting.begin(request, "somebody", (outcome) => {
        resolve(outcome.ok ? "connected" : outcome.failure.errno ?? outcome.failure.message);
      });
    });
    await time.runUntil({ mono: time.now.mono + 120_000 });
    answers.push(await answer);
  }
  return answers;
}
