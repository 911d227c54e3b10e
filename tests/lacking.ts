/**
 * What a test needs that not every machine or user has. A test without it is skipped, and `deno task test` counts how many
 * for which reason: it reads them from the file that is written here.
 */
import { missing, named, type Need } from "../scripts/system_packages.ts";
import { ONLY_ROOT, REASONS_FILE } from "../scripts/skipped.ts";

/** One line for each test that is skipped. */
function note(reason: string): void {
  const file = Deno.env.get(REASONS_FILE);
  if (file !== undefined) Deno.writeTextFileSync(file, `${reason}\n`, { append: true });
}

function succeeds(command: string, ...args: readonly string[]): boolean {
  try {
    return new Deno.Command(command, { args: [...args], stdin: "null", stdout: "null", stderr: "null" })
      .outputSync().success;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** Says why a test cannot run here, or nothing. */
export type Lack = () => string | undefined;

export const packages = (needs: readonly Need[]): Lack => (): string | undefined => {
  const lacking = missing(needs);
  return lacking.length === 0 ? undefined : `not installed: ${named(lacking)}`;
};

/** To act as another user, one has to be root of the machine and not only of a user namespace with one user. */
export const otherUser: Lack = (): string | undefined =>
  succeeds("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "true")
    ? undefined
    : `${ONLY_ROOT}: acts as another user`;

/** As root or as root of a user namespace. */
export const networkNamespaces: Lack = (): string | undefined =>
  succeeds("unshare", "--net", "--mount", "true")
    ? undefined
    : `${ONLY_ROOT}: network namespaces, which this user may not make here`;

/** Files as block devices, and mounting them. */
export const loopDevices: Lack = (): string | undefined =>
  succeeds("unshare", "--mount", "true") && succeeds("losetup", "--find")
    ? undefined
    : `${ONLY_ROOT}: loop devices and mounts`;

/** What runs a command with mounts of its own, as root: of the machine, or of a user namespace. */
export function ownMounts(): readonly string[] {
  return succeeds("unshare", "--mount", "true")
    ? ["unshare", "--mount"]
    : ["unshare", "--map-root-user", "--mount"];
}

export const mountNamespaces: Lack = (): string | undefined => {
  const [command = "", ...args] = ownMounts();
  return succeeds(command, ...args, "true")
    ? undefined
    : `${ONLY_ROOT}: mount namespaces, which this user may not make here`;
};

/** Set when all tests of this file are skipped, and noted, anyway. */
let nothingRuns = false;

/** For a test's `ignore`: true, and noted, when it lacks one of these. */
export function lacks(...these: readonly Lack[]): boolean {
  for (const lack of these) {
    const reason = lack();
    if (reason !== undefined) {
      if (!nothingRuns) note(reason);
      return true;
    }
  }
  return false;
}

/** For what all tests of a file need: those that are registered from now on are skipped, and noted, without it. */
export function skipAllWithout(...these: readonly Lack[]): void {
  const reason = these.map((lack) => lack()).find((one) => one !== undefined);
  if (reason === undefined || nothingRuns) return;
  nothingRuns = true;
  const { ignore } = Deno.test;
  const skip = (...args: readonly unknown[]): void => {
    note(reason);
    Reflect.apply(ignore, Deno.test, args);
  };
  Object.defineProperty(Deno, "test", { value: Object.assign(skip, Deno.test, { only: skip }) });
}
