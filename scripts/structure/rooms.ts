/** Rooms of the house and who may know whom (the architecture page): imports point one way. */
import { importsOf, lineOf, resolveImport, type Source, type Violation } from "./rule.ts";

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

export function importDirection(source: Source): Violation[] {
  if (OUTSIDE.some((folder) => source.path.startsWith(folder))) return [];
  const room = roomOf(source.path);
  if (room === undefined) {
    const rooms = ROOMS.map((known) => known.at).join(", ");
    return [{ path: source.path, line: 0, rule: "room", message: `belongs to no room; there are: ${rooms}` }];
  }
  const found: Violation[] = [];
  for (const { specifier, node } of importsOf(source)) {
    const say = (message: string) =>
      found.push({ path: source.path, line: lineOf(source, node), rule: "direction", message });
    if (specifier === "") {
      say("imports a module whose name is only known at run time");
      continue;
    }
    const target = resolveImport(source.path, specifier);
    if (target === undefined) {
      const allowed = room.packages ?? [];
      if (allowed !== "any" && !allowed.includes(packageName(specifier))) {
        say(`${room.name} must not import "${specifier}"`);
      }
      continue;
    }
    // Style sheets are bundled with the page that imports them.
    if (target.endsWith(".css")) continue;
    if (!/\.tsx?$/.test(target)) say(`"${specifier}" does not name a .ts file`);
    const other = roomOf(target);
    if (other === undefined) say(`imports "${specifier}", which is in no room`);
    else if (other.name !== room.name && !room.mayImport.includes(other.name)) {
      say(`${room.name} must not import ${other.name} ("${specifier}")`);
    }
  }
  return found;
}

/** Rings of files that import values from each other; type-only imports do not count. */
export function importCycles(sources: readonly Source[]): Violation[] {
  const edges = new Map(sources.map((source) => [
    source.path,
    importsOf(source).filter((entry) => !entry.typeOnly)
      .map((entry) => resolveImport(source.path, entry.specifier))
      .filter((path) => path !== undefined),
  ]));
  const done = new Set<string>();
  const found: Violation[] = [];
  const visit = (path: string, trail: readonly string[]): void => {
    const at = trail.indexOf(path);
    if (at >= 0) {
      const ring = [...trail.slice(at), path].join(" -> ");
      found.push({ path, line: 0, rule: "cycle", message: `files import each other: ${ring}` });
      return;
    }
    if (done.has(path)) return;
    for (const next of edges.get(path) ?? []) visit(next, [...trail, path]);
    done.add(path);
  };
  for (const { path } of sources) visit(path, []);
  return found;
}
