/** A state file as the daemons write it: which controllers a process remembers when it is started with it. */
import type { Tid } from "../../../src/lib/nvme/tid.ts";
import type { Claimed } from "./drains.ts";
import { completed, identity, isTransport } from "./identity.ts";

type Json = Readonly<Record<string, unknown>>;

const isJson = (value: unknown): value is Json =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const textOf = (value: unknown): string => typeof value === "string" ? value : "";
const listOf = (value: unknown): readonly unknown[] => Array.isArray(value) ? value : [];

export interface Saved {
  readonly controllers: readonly Tid[];
  /** Sources and what they want: `authority identity`. */
  readonly claims: ReadonlySet<string>;
  /** When the pages in it were read. */
  readonly reads: ReadonlySet<number>;
  /** Families that were allowed when it was written; all, by a file of 1.0.0. */
  readonly families: ReadonlySet<4 | 6>;
  /** Targets that were connected by TLS, without our side. */
  readonly byTls: ReadonlySet<string>;
  readonly drains: readonly Claimed[];
}

const NOTHING: Saved = {
  controllers: [],
  claims: new Set(),
  reads: new Set(),
  families: new Set(),
  byTls: new Set(),
  drains: [],
};

function tidOf(value: unknown): Tid | undefined {
  if (!isJson(value)) return undefined;
  const transport = textOf(value["transport"]);
  if (!isTransport(transport)) return undefined;
  return completed({
    transport,
    traddr: textOf(value["traddr"]),
    trsvcid: textOf(value["trsvcid"]),
    subsysnqn: textOf(value["subsysnqn"]),
    hostTraddr: textOf(value["host-traddr"]),
    hostIface: textOf(value["host-iface"]),
    hostNqn: textOf(value["host-nqn"]),
  });
}

/** Texts of a list: transport, address, port, subsystem NQN. */
function securedIn(value: unknown): ReadonlySet<string> {
  const found = new Set<string>();
  for (const text of listOf(value)) {
    const parts: unknown = JSON.parse(textOf(text));
    const [transport, traddr, trsvcid, subsysnqn] = listOf(parts).map(textOf);
    const tid = tidOf({ transport, traddr, trsvcid, subsysnqn });
    if (tid !== undefined) found.add(identity(tid));
  }
  return found;
}

/** A torn file says nothing, to the daemon too. */
export function savedIn(text: string | undefined): Saved {
  let value: unknown;
  try {
    value = JSON.parse(text ?? "{}");
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  if (!isJson(value)) return NOTHING;
  const controllers: Tid[] = [];
  const claims = new Set<string>();
  for (const record of listOf(value["controllers"])) {
    const tid = isJson(record) ? tidOf(record["tid"]) : undefined;
    if (!isJson(record) || tid === undefined) continue;
    const id = identity(tid);
    controllers.push(tid);
    for (const claim of listOf(record["claims"])) {
      if (isJson(claim)) claims.add(`${textOf(claim["authority"])} ${id}`);
    }
  }
  const reads = new Set<number>();
  for (const page of listOf(value["pages"])) {
    const at = isJson(page) ? page["readAt"] : undefined;
    if (typeof at === "number") reads.add(at);
  }
  const allowed = isJson(value["families"]) ? value["families"] : {};
  const families = new Set(([4, 6] as const).filter((one) => allowed[`v${one}`] !== false));
  const drains = listOf(value["drains"]).flatMap((one): Claimed[] => {
    if (!isJson(one) || typeof one["at"] !== "number") return [];
    const until = typeof one["until"] === "number" ? one["until"] : undefined;
    return [{ what: textOf(one["what"]), at: one["at"], until, forced: one["forced"] === true }];
  });
  return { controllers, claims, reads, families, drains, byTls: securedIn(value["secured"]) };
}
