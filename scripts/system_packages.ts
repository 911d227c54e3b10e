/**
 * What tests need from the distribution. As root on a machine with apt or dnf it is installed;
 * otherwise the message says what to install, and how.
 */
import { collect, commandLine, passThrough } from "./run.ts";

export interface Need {
  /** A program looked for in PATH and the sbin folders, the soname of a shared library, or places of a file. */
  readonly program?: string;
  readonly library?: string;
  readonly file?: readonly string[];
  /** Package names; of several the first that the distribution has. */
  readonly apt: readonly string[];
  readonly dnf: readonly string[];
}

/** No questions, and no progress bars in a log. */
const APT_ENVIRONMENT = { DEBIAN_FRONTEND: "noninteractive", TERM: "dumb" };

const SBIN = ["/usr/local/sbin", "/usr/sbin", "/sbin"];

/** The folders that programs are looked for in: an ordinary user of Debian has no sbin in PATH. */
function folders(): string[] {
  const path = (Deno.env.get("PATH") ?? "").split(":").filter((dir) => dir !== "");
  return [...path, ...SBIN.filter((dir) => !path.includes(dir))];
}

/** PATH with all of these, for programs that run what they find by name. */
export function wholePath(): string {
  return folders().join(":");
}

function isThere(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch (error) {
    const { NotFound, NotADirectory, PermissionDenied } = Deno.errors;
    if ([NotFound, NotADirectory, PermissionDenied].some((kind) => error instanceof kind)) return false;
    throw error;
  }
}

/** The libraries that the loader knows, one a line; empty where it cannot be asked. */
function libraries(): string {
  for (const ldconfig of ["ldconfig", "/sbin/ldconfig"]) {
    try {
      const { success, stdout } = new Deno.Command(ldconfig, { args: ["-p"], stderr: "null" }).outputSync();
      if (success) return new TextDecoder().decode(stdout);
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
  return "";
}

/** Those of `needs` that are not here. */
export function missing(needs: readonly Need[]): Need[] {
  return needs.filter(({ program, library, file = [] }) =>
    !file.some(isThere) &&
    !(program !== undefined && folders().some((dir) => isThere(`${dir}/${program}`))) &&
    !(library !== undefined && libraries().includes(`\t${library} `))
  );
}

/** The names by which people know what they need. */
export function named(needs: readonly Need[]): string {
  return needs.map(({ program, library, file }) => program ?? library ?? file?.[0] ?? "").join(", ");
}

/**
 * The first of the names that apt can install. Where apt has no lists, as in a container's image, it knows none: then the
 * name of Debian 13 and later on a system of that kind, and the last one elsewhere.
 */
async function aptName(names: readonly string[]): Promise<string> {
  const [first = ""] = names;
  if (names.length <= 1) return first;
  for (const name of names) {
    const policy = await collect(["apt-cache", "policy", name]);
    if (/^ {2}Candidate: (?!\(none\))/m.test(policy.stdout)) return name;
  }
  const installed = await collect(["dpkg-query", "-W", "-f", "${db:Status-Abbrev}${Package}\n"]);
  const name = /^ii .*t64$/m.test(installed.stdout)
    ? names.find((one) => one.endsWith("t64"))
    : names.find((one) => !one.endsWith("t64"));
  return name ?? first;
}

function unique(names: readonly string[]): string[] {
  return [...new Set(names)].sort();
}

type Manager = "apt" | "dnf" | undefined;

async function packageManager(): Promise<Manager> {
  if ((await collect(["apt-get", "--version"])).success) return "apt";
  return (await collect(["dnf", "--version"])).success ? "dnf" : undefined;
}

async function installCommand(manager: "apt" | "dnf", lacking: readonly Need[]): Promise<string[]> {
  return manager === "apt"
    ? ["apt-get", "install", "-y", "-qq", "--no-install-recommends"].concat(
      unique(await Promise.all(lacking.map(({ apt }) => aptName(apt)))),
    )
    : ["dnf", "install", "-y"].concat(unique(lacking.map(({ dnf }) => dnf[0] ?? "")));
}

/** What a person has to do to get what is lacking. */
export async function remedy(lacking: readonly Need[]): Promise<string> {
  const manager = await packageManager();
  if (manager === undefined) {
    const names = unique(lacking.map(({ apt }) => apt[0] ?? ""));
    return `Install the packages that hold them (Debian calls them ${names.join(", ")}).`;
  }
  const install = commandLine(await installCommand(manager, lacking));
  return `Install with:\n  ${manager === "apt" ? "sudo apt-get update && " : ""}sudo ${install}`;
}

/** Installs what is lacking, as root; throws when it cannot be done. */
async function installPackages(manager: "apt" | "dnf", lacking: readonly Need[]): Promise<void> {
  const what = named(lacking);
  if (manager === "apt" && !await passThrough(["apt-get", "-qq", "update"])) {
    throw new Error(`missing: ${what}; and "apt-get update" failed (see above)`);
  }
  const install = await installCommand(manager, lacking);
  console.error(`setup: ${commandLine(install)}`);
  if (!await passThrough(install, { env: APT_ENVIRONMENT })) {
    throw new Error(`missing: ${what}; and installing failed (see above)`);
  }
  const still = missing(lacking);
  if (still.length > 0) throw new Error(`still missing after installing: ${named(still)}`);
}

/**
 * Installs what of `needs` is missing, where that can be done: as root, on a machine with apt or dnf. Gives back what is
 * still missing elsewhere; throws when installing fails.
 */
export async function installMissing(needs: readonly Need[]): Promise<Need[]> {
  const lacking = missing(needs);
  if (lacking.length === 0 || Deno.uid() !== 0) return lacking;
  const manager = await packageManager();
  if (manager === undefined) return lacking;
  await installPackages(manager, lacking);
  return [];
}

/** Installs what is missing of `needs`; throws with the command to type when it cannot. */
export async function providePackages(needs: readonly Need[]): Promise<void> {
  const lacking = await installMissing(needs);
  if (lacking.length > 0) throw new Error(`missing: ${named(lacking)}. ${await remedy(lacking)}`);
}

export const BUS_NEEDS: readonly Need[] = [
  { program: "dbus-daemon", apt: ["dbus"], dnf: ["dbus-daemon"] },
];

/** Two machines with a cable between them, on this one. */
export const NETWORK_NEEDS: readonly Need[] = [
  { program: "ip", apt: ["iproute2"], dnf: ["iproute"] },
];

export const AVAHI_NEEDS: readonly Need[] = [
  ...BUS_NEEDS,
  ...NETWORK_NEEDS,
  { program: "avahi-daemon", apt: ["avahi-daemon"], dnf: ["avahi"] },
  { program: "avahi-publish", apt: ["avahi-utils"], dnf: ["avahi-tools"] },
];

export const LIBNVME_NEEDS: readonly Need[] = [
  { library: "libnvme.so.1", apt: ["libnvme1t64", "libnvme1"], dnf: ["libnvme"] },
  { library: "libudev.so.1", apt: ["libudev1"], dnf: ["systemd-libs"] },
];

/** Other programs that read what ours write or make what ours read, each by its name. */
export const OTHERS = {
  busctl: { program: "busctl", apt: ["systemd"], dnf: ["systemd"] },
  gdbus: { program: "gdbus", apt: ["libglib2.0-bin"], dnf: ["glib2"] },
  python3: { program: "python3", apt: ["python3"], dnf: ["python3"] },
  tmux: { program: "tmux", apt: ["tmux"], dnf: ["tmux"] },
  zsh: { program: "zsh", apt: ["zsh"], dnf: ["zsh"] },
  journalctl: { program: "journalctl", apt: ["systemd"], dnf: ["systemd"] },
  less: { program: "less", apt: ["less"], dnf: ["less"] },
  mkfs: { program: "mkfs.ext4", apt: ["e2fsprogs"], dnf: ["e2fsprogs"] },
  make: { program: "make", apt: ["make"], dnf: ["make"] },
  fish: { program: "fish", apt: ["fish"], dnf: ["fish"] },
} as const satisfies Readonly<Record<string, Need>>;

/** The integration tests: a private bus, real Avahi daemons in network namespaces, the real libnvme. */
export const INTEGRATION_NEEDS: readonly Need[] = [
  ...AVAHI_NEEDS,
  ...LIBNVME_NEEDS,
  ...Object.values(OTHERS),
];

/** The virtual machine: its emulator and what makes its disk image. */
export const VM_NEEDS: readonly Need[] = [
  { program: "qemu-system-x86_64", apt: ["qemu-system-x86"], dnf: ["qemu-system-x86-core"] },
  { program: "mmdebstrap", apt: ["mmdebstrap"], dnf: ["mmdebstrap"] },
  { program: "mkfs.ext4", apt: ["e2fsprogs"], dnf: ["e2fsprogs"] },
  { program: "xz", apt: ["xz-utils"], dnf: ["xz"] },
  { program: "ssh", apt: ["openssh-client"], dnf: ["openssh-clients"] },
  { program: "modprobe", apt: ["kmod"], dnf: ["kmod"] },
];

/** A virtual machine of another processor: its emulator, and what runs its programs while its disk is made. */
export const FOREIGN_NEEDS: readonly Need[] = [
  { program: "qemu-system-aarch64", apt: ["qemu-system-arm"], dnf: ["qemu-system-aarch64-core"] },
  { program: "qemu-aarch64-static", apt: ["qemu-user-static"], dnf: ["qemu-user-static-aarch64"] },
];

/** Whole systems in folders. */
export const TREE_NEEDS: readonly Need[] = [
  { program: "mmdebstrap", apt: ["mmdebstrap"], dnf: ["mmdebstrap"] },
  { program: "git", apt: ["git"], dnf: ["git"] },
];
