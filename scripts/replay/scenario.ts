/** The skeleton of a scenario, from a recording: the world as it was seen, and the times at which it changed. */
import type { Claim, Ctl } from "../../src/lib/core/controller/ctl.ts";
import type { RecordingHead } from "../../src/lib/daemon/record/document.ts";
import type { Tid } from "../../src/lib/nvme/tid.ts";
import { isoTime, type Now } from "../../src/lib/base/time.ts";
import { type AnyEvent, eventText } from "./telling.ts";

/** Events that the stage makes by itself when the daemons run on it. */
const OF_THE_STAGE: ReadonlySet<AnyEvent["type"]> = new Set<AnyEvent["type"]>([
  "tick",
  "host",
  "nbft",
  "transports",
  "tls-host",
  "exclusions",
  "scanned",
  "reached",
  "kernel-free",
  "use-seen",
  "saved",
  "network",
]);

const quoted = (text: string): string => JSON.stringify(text);

/** `ctls`: all controllers that there were, each as it was first known. */
export function scenarioLines(
  { daemon, version }: RecordingHead,
  ctls: readonly Ctl[],
  events: readonly { readonly at: Now; readonly event: AnyEvent }[],
): readonly string[] {
  const first = events[0]?.at ?? { mono: 0, wall: 0 };
  const lines: string[] = [];
  let before = first.mono;
  let last = "";
  for (const { at, event } of events) {
    const text = eventText(event);
    // The same again and again is one thing.
    if (OF_THE_STAGE.has(event.type) || text === last) continue;
    last = text;
    const ms = Math.round(at.mono - before);
    before = at.mono;
    lines.push(`      await stage.run(${ms}); // ${((at.mono - first.mono) / 1000).toFixed(3)} s: ${text}`);
  }
  return [
    "  {",
    `    from: ${quoted(`a report of ${daemon} ${version}, ${isoTime(first.wall)}`)},`,
    `    name: "what must be so",`,
    "    play: async (cores) => {",
    "      const stage = new Stage(cores);",
    ...ctls.map(({ tid, claims }) =>
      `      ${placed(daemon, tid)} // ${[...claims.values()].map(sourceText).join(", ") || "no source"}`
    ),
    `      stage.${daemon}Conf(${quoted(confOf([...ctls.flatMap(({ claims }) => [...claims.values()])]))});`,
    `      stage.start${daemon === "stafd" ? "Stafd" : "Stacd"}();`,
    ...lines,
    "      // assert here",
    "    },",
    "    original: () => realCores, // cores that do what went wrong",
    "  },",
  ];
}

const placed = (daemon: "stafd" | "stacd", { traddr, trsvcid, subsysnqn }: Tid): string =>
  daemon === "stafd"
    ? `stage.dc(${quoted(subsysnqn)}, ${quoted(traddr)}, [], ${quoted(trsvcid)});`
    : `stage.subsystem(${quoted(subsysnqn)}, ${quoted(traddr)});`;

const sourceText = (claim: Claim): string =>
  claim.kind === "config" ? `${claim.file}:${claim.line}` : claim.kind;

function confOf(claims: readonly Claim[]): string {
  const lines = claims.filter((claim) => claim.kind === "config").map(({ text }) => `controller = ${text}\n`);
  return lines.length === 0 ? "" : `[Controllers]\n${[...new Set(lines)].join("")}`;
}
