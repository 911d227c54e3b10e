/** Linux error numbers, and their meaning for a connect (KRN-36; classes measured on kernels 6.1, 6.12, 7.2). */
import { INSERT_TLS_KEY } from "./nvme_cli.ts";
import type { Failure } from "../base/failure.ts";
import { nqnLengthProblem } from "./host_nqn.ts";
import { printable } from "../base/plain_text.ts";
import { decodeStatus, statusText } from "./status.ts";
import type { Tid, Transport } from "./tid.ts";

/** By number, from 0; `-` has no name. The numbers of x86-64, arm64, riscv64. */
const NAMES = (
  "- EPERM ENOENT ESRCH EINTR EIO ENXIO E2BIG ENOEXEC EBADF ECHILD EAGAIN ENOMEM EACCES EFAULT ENOTBLK " +
  "EBUSY EEXIST EXDEV ENODEV ENOTDIR EISDIR EINVAL ENFILE EMFILE ENOTTY ETXTBSY EFBIG ENOSPC ESPIPE " +
  "EROFS EMLINK EPIPE EDOM ERANGE EDEADLK ENAMETOOLONG ENOLCK ENOSYS ENOTEMPTY ELOOP - ENOMSG EIDRM " +
  "ECHRNG EL2NSYNC EL3HLT EL3RST ELNRNG EUNATCH ENOCSI EL2HLT EBADE EBADR EXFULL ENOANO EBADRQC EBADSLT " +
  "- EBFONT ENOSTR ENODATA ETIME ENOSR ENONET ENOPKG EREMOTE ENOLINK EADV ESRMNT ECOMM EPROTO EMULTIHOP " +
  "EDOTDOT EBADMSG EOVERFLOW ENOTUNIQ EBADFD EREMCHG ELIBACC ELIBBAD ELIBSCN ELIBMAX ELIBEXEC EILSEQ " +
  "ERESTART ESTRPIPE EUSERS ENOTSOCK EDESTADDRREQ EMSGSIZE EPROTOTYPE ENOPROTOOPT EPROTONOSUPPORT " +
  "ESOCKTNOSUPPORT EOPNOTSUPP EPFNOSUPPORT EAFNOSUPPORT EADDRINUSE EADDRNOTAVAIL ENETDOWN ENETUNREACH " +
  "ENETRESET ECONNABORTED ECONNRESET ENOBUFS EISCONN ENOTCONN ESHUTDOWN ETOOMANYREFS ETIMEDOUT " +
  "ECONNREFUSED EHOSTDOWN EHOSTUNREACH EALREADY EINPROGRESS ESTALE EUCLEAN ENOTNAM ENAVAIL EISNAM " +
  "EREMOTEIO EDQUOT ENOMEDIUM EMEDIUMTYPE ECANCELED ENOKEY EKEYEXPIRED EKEYREVOKED EKEYREJECTED " +
  "EOWNERDEAD ENOTRECOVERABLE ERFKILL EHWPOISON"
).split(" ");

/** `ECONNREFUSED` for 111 (or -111); `errno 4711` for a number without a name. */
export function errnoName(number: number): string {
  const name = NAMES[Math.abs(number)];
  return name === undefined || name === "-" ? `errno ${Math.abs(number)}` : name;
}

interface Meaning {
  readonly text: string;
  readonly kind: "transient" | "permanent";
  readonly remedy?: string;
}

const NETWORK = "check cables, routes and firewalls between this host and the address";

const MEANINGS: ReadonlyMap<string, Meaning> = new Map([
  ["EALREADY", { text: "already connected", kind: "transient" }],
  ["EINVAL", {
    text: "invalid arguments or configuration",
    kind: "permanent",
    remedy:
      "see the kernel log; a Host ID used with two host NQNs is one cause, a mistyped DH-HMAC-CHAP key another",
  }],
  ["EADDRINUSE", { text: "host NQN is already in use", kind: "transient" }],
  ["ENODEV", { text: "invalid interface", kind: "permanent", remedy: "check host-iface" }],
  ["EOPNOTSUPP", {
    text: "not supported",
    kind: "transient",
    remedy: "load the kernel module of the transport (nvme-tcp, nvme-rdma, nvme-fc)",
  }],
  ["ECONNREFUSED", {
    text: "connection refused",
    kind: "transient",
    remedy: "nothing listens at that address and port: is the port right, and is the storage up?",
  }],
  ["EADDRNOTAVAIL", {
    text: "cannot assign the requested address",
    kind: "permanent",
    remedy: "host-traddr must be an address of this host",
  }],
  ["EAFNOSUPPORT", {
    text: "this host has no IPv6",
    kind: "permanent",
    remedy: "use the target's IPv4 address, or enable IPv6 (ipv6.disable on the kernel's command line)",
  }],
  ["ENOKEY", {
    text: "a key is missing",
    kind: "permanent",
    remedy: "the controller demands authentication or TLS: give it its secret or key",
  }],
  ["EKEYREJECTED", {
    text: "the key was rejected",
    kind: "permanent",
    remedy: "the DH-HMAC-CHAP secrets of host and controller differ",
  }],
  ["EIO", {
    text: "the controller refused or did not answer",
    kind: "transient",
    remedy: "is this host allowed at the storage (its host NQN), and does the subsystem exist?",
  }],
  ["EAGAIN", {
    text: "the peer accepts connections but does not speak NVMe/TCP",
    kind: "transient",
    remedy: "check traddr and trsvcid: another service answers there",
  }],
  ["ETIMEDOUT", { text: "no answer", kind: "transient", remedy: NETWORK }],
  ["ENETUNREACH", { text: "network is unreachable", kind: "transient", remedy: NETWORK }],
  ["EHOSTUNREACH", { text: "no route to host", kind: "transient", remedy: NETWORK }],
  ["ECONNRESET", {
    text: "the peer closed the connection",
    kind: "transient",
    remedy: "one that demands TLS does that to those who come without: tls = true, if so",
  }],
]);

/** The remedy for a missing TLS handshake daemon. */
export const TLS_DAEMON_REMEDY = "systemctl enable --now tlshd (package ktls-utils)";
export const TLS_KEY_REMEDY = `put it into the keyring: ${INSERT_TLS_KEY}`;
export const TLS_FAILED_REMEDY = "journalctl -u tlshd says why; the keys of host and controller may differ";

/**
 * Their meaning in a connect with TLS, where it differs (seen on kernel 6.12 with ktls-utils 1.0; EACCES from the
 * source of ktls-utils).
 */
const WITH_TLS: ReadonlyMap<string, Meaning> = new Map([
  ["ESRCH", {
    text: "there is no daemon for the TLS handshake",
    kind: "transient",
    remedy: TLS_DAEMON_REMEDY,
  }],
  ["ENOKEY", {
    text: "there is no TLS key for this host and controller",
    kind: "permanent",
    remedy: TLS_KEY_REMEDY,
  }],
  ["EACCES", {
    text: "the TLS handshake failed",
    kind: "permanent",
    remedy: TLS_FAILED_REMEDY,
  }],
  ["ETIMEDOUT", {
    text: "no answer to the TLS handshake",
    kind: "transient",
    remedy: "does the storage do TLS at that address and port, and is the network fine?",
  }],
  ["ECONNRESET", { text: "the peer closed the connection", kind: "transient" }],
]);

/**
 * Their meaning on transports other than TCP, where it differs (soft-RoCE, nvme-fcloop and nvme-loop on kernel 6.12;
 * each one is checked against the real kernel in `tests/vm/scenarios/errnos.ts`).
 */
const BY_TRANSPORT: Readonly<Partial<Record<Transport, ReadonlyMap<string, Meaning>>>> = {
  rdma: new Map([
    ["ECONNRESET", {
      text: "no RDMA connection",
      kind: "transient",
      remedy:
        "nothing has that address, nothing listens at that port, or one end has no RDMA device on the way: " +
        "rdma link shows those of this host, the kernel log says which it is",
    }],
    ["ENODEV", {
      text: "no RDMA device",
      kind: "transient",
      remedy: "rdma link shows the RDMA devices of this host: is the driver of the adapter loaded?",
    }],
  ]),
  fc: new Map([
    ["ENOENT", {
      text: "no such pair of FC ports",
      kind: "transient",
      remedy:
        "compare traddr and host-traddr with the ports in /sys/class/fc_remote_ports and /sys/class/fc_host; " +
        "is the target up, and do the zones of the fabric let this host see it?",
    }],
    ["EINVAL", {
      text: "invalid arguments or configuration",
      kind: "permanent",
      remedy: "traddr and host-traddr have the form nn-0x<16 digits>:pn-0x<16 digits>; see the kernel log",
    }],
  ]),
  loop: new Map([
    ["EIO", {
      text: "this host's own target refused",
      kind: "transient",
      remedy:
        "does the subsystem exist, is it linked to a port of addr_trtype loop, and may this host NQN use it?",
    }],
  ]),
};

/** KRN-36: the meaning of the failed connect. */
export function connectErrorText(errno: string): string {
  return MEANINGS.get(errno)?.text ?? "failed to write to the fabrics device";
}

/** The remedy; undefined if there is none. */
export const connectRemedy = (errno: string): string | undefined => MEANINGS.get(errno)?.remedy;

/** The NVMe status in a line of the kernel log about a connect (`... ret=16772`), or undefined. */
export function statusInKernelLine(line: string): number | undefined {
  const found = /\bret=(\d{1,5})\b/.exec(line)?.[1];
  const status = found === undefined ? 0 : Number(found);
  return status > 0 && status <= 0x7fff ? status : undefined;
}

/** EINVAL for an NQN that is valid but too long for Linux. */
function tooLong({ subsysnqn, hostNqn }: Pick<Tid, "subsysnqn" | "hostNqn">): Meaning | undefined {
  const named = [["subsystem NQN", subsysnqn, "at the storage"], [
    "host NQN",
    hostNqn,
    "of this host",
  ]] as const;
  for (const [name, nqn, where] of named) {
    const problem = nqnLengthProblem(nqn);
    if (problem !== undefined) {
      return { text: `the ${name} ${problem}`, kind: "permanent", remedy: `use a shorter NQN ${where}` };
    }
  }
  return undefined;
}

/** FC: the kernel makes the connection after it has accepted the connect. If that fails, the controller is gone again. */
export const givenUp = (device: string, kernelLines: readonly string[]): Failure => ({
  phase: "connect",
  kind: "transient",
  message:
    `the kernel made ${device} and gave it up: the target refused, or the subsystem does not exist there` +
    logged(kernelLines),
  remedy: "is this host allowed at the storage (its host NQN), and does the subsystem exist at that port?",
});

const logged = (kernelLines: readonly string[]): string =>
  kernelLines.length === 0 ? "" : `; kernel: ${printable(kernelLines.join("; ").slice(0, 400))}`;

/** The failure of a connect, with the kernel's log lines about it, if they could be read. */
export function connectFailure(
  errno: string,
  kernelLines: readonly string[] = [],
  tls = false,
  tid: Pick<Tid, "transport" | "subsysnqn" | "hostNqn"> = { transport: "tcp", subsysnqn: "", hostNqn: "" },
): Failure {
  const meaning = (errno === "EINVAL" ? tooLong(tid) : undefined) ??
    (tls ? WITH_TLS.get(errno) : undefined) ?? BY_TRANSPORT[tid.transport]?.get(errno) ?? MEANINGS.get(errno);
  const status = kernelLines.map(statusInKernelLine).find((found) => found !== undefined);
  const refused = errno === "EIO" && status !== undefined;
  const remedy = meaning?.remedy;
  const text = refused
    ? `the controller refused: ${statusText(status)}`
    : meaning?.text ?? connectErrorText(errno);
  return {
    phase: "connect",
    kind: refused && decodeStatus(status).dnr ? "permanent" : meaning?.kind ?? "transient",
    errno,
    ...(status === undefined ? {} : { status }),
    message: `${text} (${errno})${logged(kernelLines)}`,
    ...(remedy === undefined ? {} : { remedy }),
  };
}
