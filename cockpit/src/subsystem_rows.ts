/** Subsystems with their paths, as the tree shows them, and the filter for them. */
import { distinct, WANTED } from "../../src/lib/dbus/v1_distinct.ts";
import { ifaceOf } from "../../src/ctl/controllers_view.ts";
import type { V1Controller, V1State, V1Subsystem } from "../../src/lib/dbus/v1_types.ts";

/** How many of the wanted paths are connected; `unwanted`: no source wants any of them. */
export type Standing = "all" | "some" | "one" | "none" | "unwanted";

export interface SubsystemRow {
  readonly nqn: string;
  readonly standing: Standing;
  readonly wanted: number;
  readonly live: number;
  readonly paths: readonly V1Controller[];
  /** Discovery controllers that list it. */
  readonly dcs: readonly string[];
  readonly storage: V1Subsystem | undefined;
}

const ORDER: readonly Standing[] = ["none", "one", "some", "all", "unwanted"];

export function standingOf(wanted: number, live: number): Standing {
  if (wanted === 0) return "unwanted";
  if (live === 0) return "none";
  if (live === wanted) return "all";
  return live === 1 ? "one" : "some";
}

export const dcsOf = ({ sources }: V1Controller): readonly string[] =>
  sources.flatMap(({ dc }) => dc === undefined ? [] : [dcName(dc.tid.traddr, dc.tid.trsvcid)]);

const dcName = (traddr: string, trsvcid: string): string =>
  traddr.includes(":") ? `[${traddr}]:${trsvcid}` : trsvcid === "" ? traddr : `${traddr}:${trsvcid}`;

/** Subsystems that lack paths first, then by name. */
export function subsystemRows({ controllers, subsystems = [] }: V1State): readonly SubsystemRow[] {
  const storage = new Map(subsystems.map((one) => [one.nqn, one]));
  const groups = Map.groupBy(
    distinct(controllers).filter(({ kind }) => kind === "io"),
    ({ tid }) => tid.subsysnqn,
  );
  return [...groups].map(([nqn, paths]) => {
    const counted = paths.filter(({ phase }) => WANTED.has(phase));
    const live = counted.filter(({ phase }) => phase === "connected").length;
    return {
      nqn,
      standing: standingOf(counted.length, live),
      wanted: counted.length,
      live,
      paths,
      dcs: [...new Set(paths.flatMap(dcsOf))].toSorted(),
      storage: storage.get(nqn),
    };
  }).toSorted((a, b) =>
    ORDER.indexOf(a.standing) - ORDER.indexOf(b.standing) || (a.nqn < b.nqn ? -1 : a.nqn > b.nqn ? 1 : 0)
  );
}

export interface Filter {
  readonly standing: Standing | "";
  readonly dc: string;
  readonly iface: string;
  readonly text: string;
}

export const NO_FILTER: Filter = { standing: "", dc: "", iface: "", text: "" };

/** All searchable texts of a path. */
const wordsOf = ({ text, device, namespaces, model, serial }: V1Controller): string =>
  [text, device, model, serial, ...namespaces].join(" ").toLowerCase();

const holdersOf = (storage: V1Subsystem | undefined): string =>
  (storage?.namespaces ?? []).flatMap(({ device, holders }) => [device, ...holders]).join(" ").toLowerCase();

/** A filter by interface or discovery controller keeps only the matching paths. */
export function filtered(rows: readonly SubsystemRow[], filter: Filter): readonly SubsystemRow[] {
  const text = filter.text.trim().toLowerCase();
  return rows.flatMap((row): SubsystemRow[] => {
    if (filter.standing !== "" && row.standing !== filter.standing) return [];
    const paths = row.paths.filter((path) =>
      (filter.iface === "" || ifaceOf(path) === filter.iface) &&
      (filter.dc === "" || dcsOf(path).includes(filter.dc))
    );
    if (paths.length === 0) return [];
    const isFound = text === "" || row.nqn.toLowerCase().includes(text) ||
      paths.some((path) => wordsOf(path).includes(text)) || holdersOf(row.storage).includes(text);
    return isFound ? [{ ...row, paths }] : [];
  });
}

export const ifacesOf = (rows: readonly SubsystemRow[]): readonly string[] =>
  [...new Set(rows.flatMap(({ paths }) => paths.map(ifaceOf)))].filter((name) => name !== "").toSorted();

export const dcNames = (rows: readonly SubsystemRow[]): readonly string[] =>
  [...new Set(rows.flatMap(({ dcs }) => dcs))].toSorted();
