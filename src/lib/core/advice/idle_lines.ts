/** Finds configuration lines that currently have no effect: their author wants to know before the reload. */
import { excludedBy, type ExcludeLine } from "../../config/exclude.ts";
import { type DaemonConf, unreadPlaces } from "../../config/daemon_conf.ts";
import { originText } from "../../config/origin.ts";
import { kernelTid } from "../../nvme/match.ts";
import type { Ctl } from "../controller/ctl.ts";
import { proofText } from "../planning/evidence.ts";
import type { Fleet } from "../fleet/fleet.ts";
import { isLiteral, type Lines } from "../sources/lines.ts";
import { configClaims, type Verdict } from "../planning/planner.ts";

/** The number of lines that are listed; of others only their number (S6). */
const MAX_TOLD = 20;

interface Configured {
  readonly conf: DaemonConf | undefined;
  readonly lines: Lines;
}

/** One sentence for each, in the order of the file. */
export function idleLines(
  { conf, lines }: Configured,
  fleet: Pick<Fleet, "ctls" | "devices" | "interfaces">,
  verdict: (ctl: Ctl) => Verdict,
): readonly string[] {
  if (conf === undefined) return [];
  const unread = unreadPlaces(conf);
  const notUnderstood = unread.length === 0 ? [] : [
    `${unread.join(", ")}: not understood, and could mean any controller: controllers of removed lines stay`,
  ];
  const idle = [
    ...conf.excludes.filter((exclude) => !exclude.neverMatches && !matchesAny(exclude, fleet))
      .map(({ text, origin }) => ({
        at: originText(origin),
        line: origin.kind === "file" ? origin.line : 0,
        why: `exclude = ${text} matches no known controller at present`,
      })),
    ...[...lines.values()].filter(({ written, addresses }) => !isLiteral(written) && addresses === undefined)
      .map(({ line: { text, origin }, written, failure }) => ({
        at: originText(origin),
        line: origin.kind === "file" ? origin.line : 0,
        why: `controller = ${text} asks for nothing yet: ${written.traddr} ${
          failure === undefined ? "is not resolved yet" : `cannot be resolved (${failure.message})`
        }`,
      })),
    ...[...fleet.ctls.values()].flatMap((ctl) => {
      const why = barredBy(verdict(ctl));
      return why === undefined ? [] : configClaims(ctl).map(({ file, line, text }) => ({
        at: `${file}:${line}`,
        line,
        why: `controller = ${text} leads to no connection: ${why}`,
      }));
    }),
  ].toSorted((a, b) => a.line - b.line).map(({ at, why }) => `${at}: ${why}`);
  const distinct = [...new Set([...notUnderstood, ...idle])];
  const more = distinct.length - MAX_TOLD;
  if (more <= 0) return distinct;
  const others = more === 1 ? "1 more line has" : `${more} more lines have`;
  return [...distinct.slice(0, MAX_TOLD), `${others} no effect at present`];
}

function barredBy(verdict: Verdict): string | undefined {
  if (verdict.is === "excluded") return proofText(verdict.evidence);
  return verdict.is === "held" && verdict.unusable === true ? verdict.why : undefined;
}

/** Matches by a controller's address or by the host name in a line (CFG-47). */
function matchesAny(
  exclude: ExcludeLine,
  { ctls, devices, interfaces }: Pick<Fleet, "ctls" | "devices" | "interfaces">,
): boolean {
  for (const ctl of ctls.values()) {
    if (excludedBy(ctl.tid, [exclude]) !== undefined) return true;
    for (const { written } of configClaims(ctl)) {
      if (excludedBy(written, [exclude]) !== undefined) return true;
    }
  }
  for (const device of devices.values()) {
    const tid = kernelTid(device, interfaces);
    if (tid !== undefined && excludedBy(tid, [exclude]) !== undefined) return true;
  }
  return false;
}
