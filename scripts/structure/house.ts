/**
 * The rooms of the house, who may know whom (the architecture page), and what pure rooms do without. Two read it: the
 * structure check of `deno task ok`, and the lint plugin that editors show (scripts/lint/house.ts).
 */
interface Room {
  readonly name: string;
  /** A folder ends in a slash; anything else is one file. */
  readonly at: string;
  readonly mayImport: readonly string[];
  /** Bytes in, values out: no clock, timer, randomness, I/O, and nothing asynchronous. */
  readonly pure?: true;
  /** Packages (by bare name) and `node:` modules that the room may use; none when missing. */
  readonly packages?: readonly string[] | "any";
  /** It runs in a browser: what only programs on a host have is missing. */
  readonly inBrowser?: true;
}

export const ROOMS: readonly Room[] = [
  { name: "base", at: "src/lib/base/", mayImport: [], pure: true },
  { name: "nvme", at: "src/lib/nvme/", mayImport: ["base"], pure: true },
  { name: "config", at: "src/lib/config/", mayImport: ["base", "nvme"], pure: true },
  { name: "ports", at: "src/lib/ports.ts", mayImport: ["base", "nvme"], pure: true },
  { name: "core", at: "src/lib/core/", mayImport: ["base", "config", "nvme", "ports"], pure: true },
  { name: "dbus", at: "src/lib/dbus/", mayImport: ["base", "nvme", "ports"], packages: "any" },
  { name: "linux", at: "src/lib/linux/", mayImport: ["base", "dbus", "nvme", "ports"], packages: "any" },
  {
    name: "sim",
    at: "src/lib/sim/",
    mayImport: ["base", "dbus", "nvme", "ports"],
    packages: ["node:timers"],
  },
  {
    name: "daemon",
    at: "src/lib/daemon/",
    mayImport: ["base", "config", "core", "dbus", "nvme", "ports"],
    packages: "any",
  },
  { name: "ctl", at: "src/ctl/", mayImport: ["base", "config", "dbus", "nvme"], packages: "any" },
  {
    name: "composition root",
    at: "src/stafd.ts",
    mayImport: ["base", "config", "core", "daemon", "dbus", "linux", "nvme", "ports"],
    packages: "any",
  },
  {
    name: "composition root",
    at: "src/stacd.ts",
    mayImport: ["base", "config", "core", "daemon", "dbus", "linux", "nvme", "ports"],
    packages: "any",
  },
  {
    name: "composition root",
    at: "src/plan_alone.ts",
    mayImport: ["daemon", "linux"],
  },
  {
    name: "composition root",
    at: "src/record_names.ts",
    mayImport: ["daemon"],
  },
  {
    name: "cockpit",
    at: "cockpit/",
    mayImport: ["base", "ctl", "dbus", "nvme", "ports"],
    packages: [
      "@patternfly/patternfly",
      "@patternfly/react-core",
      "@patternfly/react-icons",
      "@patternfly/react-table",
      "react",
      "react-dom",
    ],
    inBrowser: true,
  },
  { name: "image", at: "src/main.ts", mayImport: ["composition root", "ctl"], packages: ["node:process"] },
];

/** Where anything may be imported: scripts and the demo put programs together, tests look into every room. */
const OUTSIDE = ["scripts/", "demo/", "tests/"];

export function roomOf(path: string): Room | undefined {
  return ROOMS.find((room) => room.at.endsWith("/") ? path.startsWith(room.at) : path === room.at);
}

function packageName(specifier: string): string {
  if (specifier.startsWith("node:")) return specifier;
  return specifier.split("/").slice(0, specifier.startsWith("@") ? 2 : 1).join("/");
}

/** The repository path that a relative specifier means, or undefined for a package. */
export function resolveImport(fromPath: string, specifier: string): string | undefined {
  if (!specifier.startsWith(".")) return undefined;
  const parts = fromPath.split("/").slice(0, -1);
  for (const part of specifier.split("/")) {
    if (part === "..") parts.pop();
    else if (part !== ".") parts.push(part);
  }
  return parts.join("/");
}

/** What is wrong with an import of this file; undefined when it is allowed. */
export function wrongImport(path: string, specifier: string): string | undefined {
  if (OUTSIDE.some((folder) => path.startsWith(folder))) return undefined;
  const room = roomOf(path);
  if (room === undefined) return undefined;
  if (specifier === "") return "imports a module whose name is only known at run time";
  const target = resolveImport(path, specifier);
  if (target === undefined) {
    const allowed = room.packages ?? [];
    const isAllowed = allowed === "any" || allowed.includes(packageName(specifier));
    return isAllowed ? undefined : `${room.name} must not import "${specifier}"`;
  }
  // Style sheets are bundled with the page that imports them.
  if (target.endsWith(".css")) return undefined;
  if (!/\.tsx?$/.test(target)) return `"${specifier}" does not name a .ts file`;
  const other = roomOf(target);
  if (other === undefined) return `imports "${specifier}", which is in no room`;
  return other.name === room.name || room.mayImport.includes(other.name)
    ? undefined
    : `${room.name} must not import ${other.name} ("${specifier}")`;
}

/** The room of a file that has to be in one, but is in none. */
export const isHomeless = (path: string): boolean =>
  roomOf(path) === undefined && !OUTSIDE.some((folder) => path.startsWith(folder));

/** Globals that a pure room does without, and why. `Date` only where it reads the clock: with arguments it is arithmetic. */
export const IMPURE: ReadonlyMap<string, string> = new Map([
  ...["performance", "Temporal"].map((name): [string, string] => [name, "a clock"]),
  ...["setTimeout", "setInterval", "setImmediate", "clearTimeout", "clearInterval", "queueMicrotask"]
    .map((name): [string, string] => [name, "a timer"]),
  ...["crypto"].map((name): [string, string] => [name, "randomness"]),
  ...[
    "Deno",
    "process",
    "console",
    "fetch",
    "Worker",
    "WebSocket",
    "EventSource",
    "BroadcastChannel",
    "navigator",
    "localStorage",
    "sessionStorage",
    "globalThis",
    "self",
    "window",
    "alert",
    "prompt",
    "confirm",
    "addEventListener",
    "eval",
  ].map((name): [string, string] => [name, "the outside world"]),
  ...["Promise", "AbortController", "AbortSignal"].map((name): [string, string] => [name, "asynchronous"]),
]);

/** What the compiler knows because the rooms that the page takes from run elsewhere, too. */
export const NOT_IN_BROWSER: readonly string[] = ["Deno", "process", "Buffer", "require"];
