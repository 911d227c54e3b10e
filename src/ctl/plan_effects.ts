/** The effects of a plan on I/O paths; for stafd's plan, stacd's reaction. */
import { parseStacdConf } from "../lib/config/stacd_conf.ts";
import type { V1Change, V1Controller, V1Namespace, V1State } from "../lib/dbus/v1_types.ts";
import { anaUsable } from "../lib/nvme/namespace_look.ts";
import { tidKey } from "../lib/nvme/tid.ts";
import { readFileText } from "./host_identity.ts";
import { KEEPS_ALL, staying } from "./plan_held.ts";
import type { V1Effects } from "./v1_outputs.ts";
import type { World } from "./world.ts";

/** The options of stacd.conf about removals. */
export interface RemovalPolicy {
  readonly keepsAll: boolean;
  readonly inUseGoes: boolean;
}

/**
 * That of a text of stacd.conf which is planned, otherwise that of the host's file. Undefined if the file cannot be read.
 * To be called while files may still be read.
 */
export function removalPolicy({ confDir }: World, planned: string | undefined): RemovalPolicy | undefined {
  const file = `${confDir}/stacd.conf`;
  const text = planned === undefined ? readFileText(file) : { ok: true, text: planned } as const;
  if (!text.ok && text.why === "unreadable") return undefined;
  const parsed = parseStacdConf(text.ok ? text.text : undefined, file, readFileText);
  if (!parsed.ok) return undefined;
  return {
    keepsAll: parsed.conf.disconnectScope.value === "no-disconnect",
    inUseGoes: parsed.conf.disconnectInUse.value === "always",
  };
}

/** stacd's controllers that only dropped discovery controllers list. */
export function listedOnlyBy(
  changes: readonly V1Change[],
  controllers: readonly V1Controller[],
): readonly V1Controller[] {
  const going = changes.filter(({ action }) => action === "disconnect" || action === "let-go")
    .map(({ tid, text }) => ({ key: tidKey(tid), text }));
  const isGoing = ({ kind, text, dc }: V1Controller["sources"][number]): boolean =>
    kind === "log-page" &&
    going.some((one) => dc === undefined ? text.includes(` of ${one.text},`) : one.key === tidKey(dc.tid));
  return controllers.filter(({ device, sources }) =>
    device !== "" && sources.length > 0 && sources.every(isGoing)
  );
}

/** The effects of stacd's plan. */
export function disconnected(
  changes: readonly V1Change[],
  controllers: readonly V1Controller[],
): readonly V1Controller[] {
  const devices = new Set(
    changes.filter(({ action }) => action === "disconnect").map(({ device }) => device),
  );
  return controllers.filter(({ device }) => device !== "" && devices.has(device));
}

export function effectsOf(
  going: readonly V1Controller[],
  { controllers, subsystems = [] }: Pick<V1State, "controllers" | "subsystems">,
  policy: RemovalPolicy | undefined,
): V1Effects {
  const byDevice = new Map(going.map((one) => [one.device, one]));
  const devices = new Set(byDevice.keys());
  const stays = ({ device, state, anaState }: V1Namespace["paths"][number]): boolean =>
    state === "live" && anaUsable(anaState) && !devices.has(device);
  const inUse = subsystems.flatMap(({ namespaces }) => namespaces).flatMap(({ device, holders, paths }) => {
    const by = paths.map((path) => path.device).filter((name) => devices.has(name));
    return holders.length === 0 || by.length === 0 || paths.some(stays) ? [] : [{ device, holders, by }];
  });
  const paths = [...byDevice.values()].map(({ device, tid, text }) => ({ device, nqn: tid.subsysnqn, text }));
  const why = policyText(policy);
  const held = staying({ paths, policy: why }, inUse);
  const live = controllers.filter(({ phase }) => phase === "connected" || phase === "leaving");
  const lastPaths = [...Map.groupBy(live, ({ tid }) => tid.subsysnqn)].filter(([, all]) =>
    all.every(({ device }) => devices.has(device) && !held.has(device))
  ).map(([nqn]) => nqn);
  return { paths, lastPaths, inUse, policy: why };
}

function policyText(policy: RemovalPolicy | undefined): string | null {
  if (policy === undefined) {
    return "stacd.conf cannot be read: disconnect-scope and disconnect-in-use may say otherwise";
  }
  if (policy.keepsAll) return KEEPS_ALL;
  return policy.inUseGoes ? "disconnect-in-use = always: controllers in use are disconnected, too" : null;
}
