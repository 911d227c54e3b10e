/**
 * What tests need from the distribution. As root on a machine with apt or dnf it is installed;
 * otherwise the message says what to install, and how.
 */
import { collect, commandLine, passThrough } from "./run.ts";

export interface Need {
  /** Either a program looked for in PATH and the sbin folders, or the soname of a shared library. */
  readonly program?: string;
  readonly library?: string;
  /** Package names; of several the first that the distribution has. */
  readonly apt: readonly string[];
  readonly dnf: readonly string[];
}

/** No questions, and no progress bars in a log. */
const APT_ENVIRONMENT = { DEBIAN_FRONTEND: "noninteractive", TERM: "dumb" };

const SBIN = ["/usr/local/sbin", "/usr/sbin", "/sbin"];

async function exists(path: string): Promise<boolean> {
  try {
    await Deno.stat(path);
    return true;
  } catch (error) {
    const { NotFound, NotADirectory, PermissionDenied } = Deno.errors;
    if ([NotFound, NotADirectory, PermissionDenied].some((kind) => error instanceof kind)) return false;
    throw error;
  }
}

async function present(need: Need): Promise<boolean> {
  if (need.program !== undefined) {
    for (const dir of [...(Deno.env.get("PATH") ?? "").split(":"), ...SBIN]) {
      if (dir !== "" && await exists(`${dir}/${need.program}`)) return true;
    }
    return false;
  }
  for (const ldconfig of ["ldconfig", "/sbin/ldconfig"]) {
    const cache = await collect([ldconfig, "-p"]);
    if (cache.success) return cache.stdout.includes(`\t${need.library} `);
  }
  return false;
}

async function missing(needs: readonly Need[]): Promise<Need[]> {
  const found = await Promise.all(needs.map(present));
  return needs.filter((_, index) => found[index] !== true);
}

/** The first of the names that apt can install; the first of all when it knows none. */
async function aptName(names: readonly string[]): Promise<string> {
  for (const name of names) {
    const policy = await collect(["apt-cache", "policy", name]);
    if (/^ {2}Candidate: (?!\(none\))/m.test(policy.stdout)) return name;
  }
  return names[0] ?? "";
}

function unique(names: readonly string[]): string[] {
  return [...new Set(names)].sort();
}

/** Sees to it that everything in `needs` is there; throws with the command to type when it is not and cannot be. */
export async function providePackages(needs: readonly Need[]): Promise<void> {
  const lacking = await missing(needs);
  if (lacking.length === 0) return;
  const what = lacking.map((need) => need.program ?? need.library).join(", ");
  const root = Deno.uid() === 0;
  const hasApt = (await collect(["apt-get", "--version"])).success;
  const hasDnf = !hasApt && (await collect(["dnf", "--version"])).success;
  if (!hasApt && !hasDnf) {
    throw new Error(
      `missing: ${what}. Install the packages that hold them (Debian calls them ` +
        `${unique(lacking.map((need) => need.apt[0] ?? "")).join(", ")}).`,
    );
  }
  if (hasApt && root && !await passThrough(["apt-get", "-qq", "update"])) {
    throw new Error(`missing: ${what}; and "apt-get update" failed (see above)`);
  }
  const install = hasApt
    ? ["apt-get", "install", "-y", "-qq", "--no-install-recommends"].concat(
      unique(await Promise.all(lacking.map((need) => aptName(need.apt)))),
    )
    : ["dnf", "install", "-y"].concat(unique(lacking.map((need) => need.dnf[0] ?? "")));
  if (!root) throw new Error(`missing: ${what}. Install with:\n  sudo ${commandLine(install)}`);
  console.error(`setup: ${commandLine(install)}`);
  if (!await passThrough(install, { env: APT_ENVIRONMENT })) {
    throw new Error(`missing: ${what}; and installing failed (see above)`);
  }
  const still = await missing(needs);
  if (still.length > 0) {
    throw new Error(
      `still missing after installing: ${still.map((need) => need.program ?? need.library).join(", ")}`,
    );
  }
}

/** The integration tests: a private bus, real Avahi daemons in network namespaces, the real libnvme. */
export const INTEGRATION_NEEDS: readonly Need[] = [
  { program: "dbus-daemon", apt: ["dbus"], dnf: ["dbus-daemon"] },
  { program: "busctl", apt: ["systemd"], dnf: ["systemd"] },
  { program: "avahi-daemon", apt: ["avahi-daemon"], dnf: ["avahi"] },
  { program: "avahi-publish", apt: ["avahi-utils"], dnf: ["avahi-tools"] },
  { program: "ip", apt: ["iproute2"], dnf: ["iproute"] },
  { library: "libnvme.so.1", apt: ["libnvme1t64", "libnvme1"], dnf: ["libnvme"] },
  { library: "libudev.so.1", apt: ["libudev1"], dnf: ["systemd-libs"] },
];

/** The virtual machine: its emulator and what makes its disk image. */
export const VM_NEEDS: readonly Need[] = [
  { program: "qemu-system-x86_64", apt: ["qemu-system-x86"], dnf: ["qemu-system-x86-core"] },
  { program: "mmdebstrap", apt: ["mmdebstrap"], dnf: ["mmdebstrap"] },
  { program: "mkfs.ext4", apt: ["e2fsprogs"], dnf: ["e2fsprogs"] },
  { program: "xz", apt: ["xz-utils"], dnf: ["xz"] },
  { program: "ssh", apt: ["openssh-client"], dnf: ["openssh-clients"] },
];
