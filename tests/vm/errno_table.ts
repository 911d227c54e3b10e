/**
 * What errno means what, by transport: asked of the real kernel by `scenarios/errnos.ts`, and told in words by
 * `src/lib/nvme/errno.ts`, whose test reads this table. Seen on kernel 6.12 (RDMA: soft-RoCE, FC: nvme-fcloop).
 */
import type { Transport } from "../../src/lib/nvme/tid.ts";

export interface ErrnoRow {
  readonly transport: Transport;
  readonly situation: string;
  /** The connect string, without host NQN and host ID; `NQN:` stands for the lab's prefix of subsystem NQNs. */
  readonly connect: string;
  readonly errno: string;
  /** What a person is told. */
  readonly says: RegExp;
  readonly remedy: RegExp;
  /** It takes the kernel longer than a test should wait. */
  readonly takesLong?: true;
}

const ONE = "nqn=NQN:one";
const TCP = "transport=tcp,trsvcid=8009";
const RDMA = "transport=rdma,trsvcid=4420";
const [FC_TARGET, FC_HOST] = [
  "nn-0x10001100ab000001:pn-0x20001100ab000001",
  "nn-0x10001100aa000001:pn-0x20001100aa000001",
];
const NO_TARGET = FC_TARGET.replaceAll("000001", "000009");
const NO_HOST = FC_HOST.replaceAll("000001", "000009");

export const ERRNOS: readonly ErrnoRow[] = [
  {
    transport: "tcp",
    situation: "nothing listens at the port",
    connect: `${TCP.replace("8009", "4499")},traddr=192.0.2.11,${ONE}`,
    errno: "ECONNREFUSED",
    says: /connection refused/,
    remedy: /is the port right/,
  },
  {
    transport: "tcp",
    situation: "nothing has the address",
    connect: `${TCP},traddr=192.0.2.250,${ONE}`,
    errno: "ETIMEDOUT",
    says: /no answer/,
    remedy: /cables, routes and firewalls/,
  },
  {
    transport: "tcp",
    situation: "no route",
    connect: `${TCP},traddr=203.0.113.7,${ONE}`,
    errno: "ENETUNREACH",
    says: /network is unreachable/,
    remedy: /routes/,
  },
  {
    transport: "tcp",
    situation: "no such interface",
    connect: `${TCP},traddr=192.0.2.11,host_iface=nosuch,${ONE}`,
    errno: "ENODEV",
    says: /invalid interface/,
    remedy: /host-iface/,
  },
  {
    transport: "tcp",
    situation: "the source address is not this host's",
    connect: `${TCP},traddr=192.0.2.11,host_traddr=192.0.2.77,${ONE}`,
    errno: "EADDRNOTAVAIL",
    says: /cannot assign/,
    remedy: /host-traddr/,
  },
  {
    transport: "tcp",
    situation: "no such subsystem",
    connect: `${TCP},traddr=192.0.2.11,nqn=NQN:none`,
    errno: "EIO",
    says: /refused or did not answer/,
    remedy: /host NQN/,
  },
  {
    transport: "rdma",
    situation: "nothing listens at the port",
    connect: `${RDMA.replace("4420", "4421")},traddr=192.0.2.101,${ONE}`,
    errno: "ECONNRESET",
    says: /no RDMA connection/,
    remedy: /nothing listens at that port/,
  },
  {
    transport: "rdma",
    situation: "nothing has the address",
    connect: `${RDMA},traddr=192.0.2.250,${ONE}`,
    errno: "ECONNRESET",
    says: /no RDMA connection/,
    remedy: /nothing has that address/,
  },
  {
    transport: "rdma",
    situation: "the peer has no RDMA device",
    connect: `${RDMA},traddr=192.0.2.11,${ONE}`,
    errno: "ECONNRESET",
    says: /no RDMA connection/,
    remedy: /no RDMA device/,
    takesLong: true,
  },
  {
    transport: "rdma",
    situation: "the interface on the way has no RDMA device",
    connect: `${RDMA},traddr=198.51.100.11,${ONE}`,
    errno: "ECONNRESET",
    says: /no RDMA connection/,
    remedy: /rdma link/,
  },
  {
    transport: "rdma",
    situation: "no route",
    connect: `${RDMA},traddr=203.0.113.7,${ONE}`,
    errno: "ENETUNREACH",
    says: /network is unreachable/,
    remedy: /routes/,
  },
  {
    transport: "rdma",
    situation: "the source address is not this host's",
    connect: `${RDMA},traddr=192.0.2.101,host_traddr=192.0.2.77,${ONE}`,
    errno: "EADDRNOTAVAIL",
    says: /cannot assign/,
    remedy: /host-traddr/,
  },
  {
    transport: "rdma",
    situation: "no such subsystem",
    connect: `${RDMA},traddr=192.0.2.101,nqn=NQN:none`,
    errno: "EIO",
    says: /refused or did not answer/,
    remedy: /host NQN/,
  },
  {
    transport: "fc",
    situation: "no such port of a target",
    connect: `transport=fc,traddr=${NO_TARGET},host_traddr=${FC_HOST},${ONE}`,
    errno: "ENOENT",
    says: /no such pair of FC ports/,
    remedy: /fc_remote_ports/,
  },
  {
    transport: "fc",
    situation: "no such port of this host",
    connect: `transport=fc,traddr=${FC_TARGET},host_traddr=${NO_HOST},${ONE}`,
    errno: "ENOENT",
    says: /no such pair of FC ports/,
    remedy: /fc_host/,
  },
  {
    transport: "fc",
    situation: "an address that is none",
    connect: `transport=fc,traddr=nn-0x1:pn-zz,host_traddr=${FC_HOST},${ONE}`,
    errno: "EINVAL",
    says: /invalid arguments/,
    remedy: /nn-0x.*:pn-0x/,
  },
  {
    transport: "loop",
    situation: "no such subsystem",
    connect: "transport=loop,nqn=NQN:none",
    errno: "EIO",
    says: /own target refused/,
    remedy: /addr_trtype loop/,
  },
];
