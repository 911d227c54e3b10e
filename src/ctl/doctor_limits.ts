/** `doctor`: the limits of this host's kernel, libnvme and systemd, and their consequences. One table. */
import { isAtLeast } from "../lib/nvme/kernel_version.ts";
import { type Diagnosis, exists, good, notice, PATIENCE, type Patient, warning } from "./doctor_finding.ts";
import type { World } from "./world.ts";

const DEVICE = "/dev/nvme-fabrics";

/** Facts of this host; undefined: not known. */
interface HostFacts {
  /** Names of connect options that the kernel takes. */
  readonly options: ReadonlySet<string> | undefined;
  /** `6.12.90`, as uname(2) has it. */
  readonly kernel: string | undefined;
  /** The line of `stafd --version`: a version, or `none` and why. */
  readonly libnvme: string | undefined;
  /** `257`. */
  readonly systemd: string | undefined;
}

interface Limit {
  /** True if the limit applies; undefined if that is not known. */
  readonly applies: (host: HostFacts) => boolean | undefined;
  readonly cannot: string | ((host: HostFacts) => string);
  readonly follows: string;
  /** Present if the limit affects something that people configure. */
  readonly remedy?: string;
}

const lacks = (option: string) => ({ options }: HostFacts): boolean | undefined =>
  options === undefined ? undefined : !options.has(option);

const before = (part: "kernel" | "systemd", version: string) => (host: HostFacts): boolean | undefined => {
  const own = host[part];
  return own === undefined ? undefined : !isAtLeast(own, version);
};

/** In the order of the versions that removed each limit. */
const LIMITS: readonly Limit[] = [
  {
    applies: lacks("host_iface"),
    cannot: "the kernel does not know host_iface (Linux 5.14)",
    follows: "connections cannot be bound to an interface",
    remedy: "use a newer kernel",
  },
  {
    applies: lacks("discovery"),
    cannot: "the kernel does not know discovery (Linux 5.16)",
    follows: "discovery controllers with an NQN of their own cannot be used",
  },
  {
    applies: before("kernel", "5.18"),
    cannot: "the kernel reports neither the kind of a controller nor the return of a link (Linux 5.18)",
    follows:
      "stafd and stacd query each controller, and notice a returned link when they next read the states",
  },
  {
    applies: lacks("dhchap_secret"),
    cannot: "the kernel does not know dhchap_secret (CONFIG_NVME_HOST_AUTH, Linux 6.0)",
    follows: "in-band authentication is not possible: a line with a secret connects nothing",
  },
  {
    applies: before("kernel", "6.1"),
    cannot:
      "the kernel reports neither the source address of a connection nor a controller's request to be read " +
      "again (Linux 6.1)",
    follows:
      "paths are matched by their interface only, and a page that changed while a link was down is noticed " +
      "when the generation counter is read, every 5 minutes",
  },
  {
    applies: before("kernel", "6.5"),
    cannot: "the kernel accepts one host ID with two host NQNs, and the other way round (Linux 6.5 refuses)",
    follows: "a changed identity connects beside the old one; the array may see two hosts",
  },
  {
    applies: lacks("tls"),
    cannot: "the kernel does not know tls (CONFIG_NVME_TCP_TLS, Linux 6.7)",
    follows: "TLS is not possible: a line with tls = true connects nothing",
  },
  {
    applies: lacks("concat"),
    cannot: "the kernel does not know concat (CONFIG_NVME_TCP_TLS, Linux 6.15)",
    follows: "secure concatenation is not possible: a line with concat = true connects nothing",
  },
  {
    applies: ({ libnvme }) => libnvme?.startsWith("none"),
    // The rest of that line is what --version says to a person who has no doctor.
    cannot: ({ libnvme = "" }) =>
      `libnvme cannot be loaded (${libnvme.replace("none: ", "").split(". ", 1)[0]})`,
    follows:
      "commands are sent without it; TLS keys cannot be looked up by name, and statuses have our wording",
    remedy:
      "install libnvme with the libraries that it needs (Debian: libnvme1t64, libnvme3-1; Fedora: libnvme)",
  },
  {
    applies: ({ libnvme }) =>
      libnvme === undefined || libnvme.startsWith("none") ? undefined : !isAtLeast(libnvme, "1.4"),
    cannot: "libnvme cannot look up TLS keys (libnvme 1.4)",
    follows: "keyring and tls-key have to be serial numbers (keyctl show)",
  },
  {
    applies: before("systemd", "253"),
    cannot: "systemd does not wait for the end of a reload (systemd 253)",
    follows: "systemctl reload returns before the new configuration counts; status shows the last reload",
  },
  {
    applies: before("systemd", "254"),
    cannot: "systemd does not let the pauses between restarts grow (systemd 254)",
    follows: "a daemon that fails is started again every 5 seconds",
  },
];

export async function examineLimits({ world }: Patient): Promise<readonly Diagnosis[]> {
  const { root } = world;
  const [options, libnvme, systemd] = await Promise.all([
    optionsOf(world),
    firstMatch(world, ["stafd", "--version"], /^libnvme (.+)$/m),
    firstMatch(world, ["systemctl", "--version"], /^systemd (\d+)/),
  ]);
  const host: HostFacts = { options, libnvme, systemd, kernel: textOf(`${root}/proc/sys/kernel/osrelease`) };
  const found = LIMITS.filter(({ applies }) => applies(host) === true).map((limit) => {
    const cannot = typeof limit.cannot === "string" ? limit.cannot : limit.cannot(host);
    const text = `${cannot}: ${limit.follows}`;
    return limit.remedy === undefined ? notice(text) : warning(text, limit.remedy);
  });
  return [...found, ...unknownOptions(world, options), ...(found.length > 0 ? [] : allKnown(host))];
}

const allKnown = ({ options }: HostFacts): readonly Diagnosis[] =>
  options === undefined ? [] : [good("kernel, libnvme and systemd have all features that are used")];

function unknownOptions({ root, uid }: World, options: HostFacts["options"]): readonly Diagnosis[] {
  if (options !== undefined || !exists(root + DEVICE)) return [];
  return uid === 0
    ? [notice("the kernel is busy with a connection and did not report its capabilities", "try again later")]
    : [notice("kernel capabilities can be read only as root", "sudo")];
}

/** Reads in another process: a reader blocks while the kernel makes a connection, and cannot be interrupted. */
async function optionsOf(world: World): Promise<ReadonlySet<string> | undefined> {
  if (world.uid !== 0 || !exists(world.root + DEVICE)) return undefined;
  const ran = await world.run(["cat", world.root + DEVICE], PATIENCE);
  if (ran === undefined || !ran.success) return undefined;
  return new Set(ran.out.split(/[,\n]/).map((option) => option.split("=")[0]?.trim() ?? ""));
}

async function firstMatch(
  world: World,
  command: readonly string[],
  pattern: RegExp,
): Promise<string | undefined> {
  const ran = await world.run(command, PATIENCE);
  return ran?.success === true ? pattern.exec(ran.out)?.[1] : undefined;
}

function textOf(path: string): string | undefined {
  try {
    return Deno.readTextFileSync(path).trim();
  } catch {
    // Missing, or not readable for this user: not known.
    return undefined;
  }
}
