/** What was measured on a real kernel, beside the bare kernel and the original. */
import { median, type Round } from "../vm/report.ts";
import type { Result } from "./results.ts";
import { measuredAt, table } from "./table.ts";

interface Figure {
  readonly text: string;
  readonly verb: string;
  readonly name: string;
  /** A connection count, where it is measured with several. */
  readonly subs?: number;
  readonly against: "peer" | "bare";
  /** Of the ratio. */
  readonly goal?: number;
  readonly unit?: "MB";
}

const FIGURES: readonly Figure[] = [
  {
    text: "discovery controller's event to `log_pages_changed`, a subsystem is new",
    verb: "stafd-aen",
    name: "add.aen-to-signal",
    against: "peer",
    goal: 0.8,
  },
  {
    text: "the same, a subsystem is gone",
    verb: "stafd-aen",
    name: "remove.aen-to-signal",
    against: "peer",
    goal: 0.8,
  },
  {
    text: "new subsystem to its connection",
    verb: "aen",
    name: "add.ioc-connected",
    against: "peer",
    goal: 0.12,
  },
  {
    text: "subsystem gone to its disconnection",
    verb: "aen",
    name: "remove.ioc-removed",
    against: "peer",
  },
  {
    text: "`systemctl start stafd` returns",
    verb: "stafd-start",
    name: "systemctl-returned",
    against: "peer",
    goal: 0.9,
  },
  { text: "stafd started, CPU", verb: "stafd-start", name: "stafd-cpu", against: "peer" },
  {
    text: "both started, first I/O controller",
    verb: "start",
    name: "first-ioc",
    against: "peer",
    goal: 0.5,
  },
  { text: "all connected, from the start", verb: "start", name: "all-iocs", against: "peer" },
  { text: "all connected, from the first", verb: "start", name: "connecting", against: "bare", goal: 1.1 },
  { text: "CPU of stacd", verb: "start", name: "stacd-cpu", against: "peer" },
  { text: "memory of stafd, Pss", verb: "start", name: "stafd.Pss", against: "peer", unit: "MB" },
  { text: "memory of stafd, anonymous", verb: "start", name: "stafd.RssAnon", against: "peer", unit: "MB" },
  { text: "memory of stacd, Pss", verb: "start", name: "stacd.Pss", against: "peer", unit: "MB" },
  { text: "memory of stacd, anonymous", verb: "start", name: "stacd.RssAnon", against: "peer", unit: "MB" },
];

const valuesOf = (rounds: readonly Round[], who: Round["who"], { verb, name }: Figure, subs: number) =>
  rounds.filter((round) =>
    round.who === who && round.subs === subs && (round.verb === verb || (who === "bare" && verb === "start"))
  ).flatMap(({ numbers }) => numbers[name] ?? []);

interface Row {
  readonly cells: readonly string[];
  readonly text: string;
  readonly ratio: number;
  readonly against: Figure["against"];
}

function rowOf(rounds: readonly Round[], figure: Figure, subs: number, several: boolean): Row | undefined {
  const ours = valuesOf(rounds, "ours", figure, subs);
  const others = valuesOf(rounds, figure.against, figure, subs);
  const [own, other] = [median(ours), median(others)];
  if (own === undefined || other === undefined || other === 0) return undefined;
  const shown = (value: number | undefined): string =>
    value === undefined
      ? ""
      : figure.unit === "MB"
      ? `${(value / 1024).toFixed(0)} MB`
      : `${value.toFixed(value < 1 ? 3 : 1)} s`;
  const text = several ? `${figure.text}: ${subs} subsystems` : figure.text;
  const ratio = own / other;
  return {
    text,
    ratio,
    against: figure.against,
    cells: [
      text,
      `${ours.length}, ${others.length}`,
      shown(ours[0]),
      shown(own),
      `${shown(other)} (${figure.against === "bare" ? "kernel" : "original"})`,
      ratio.toFixed(2),
      figure.goal?.toFixed(2) ?? "",
    ],
  };
}

export function machineSection(result: Result<readonly Round[]>): string {
  const { data } = result;
  const rows = FIGURES.flatMap((figure) => {
    const sizes = new Set(data.filter(({ verb }) => verb === figure.verb).map(({ subs }) => subs));
    return [...sizes].flatMap((subs) => rowOf(data, figure, subs, figure.verb === "start") ?? []);
  });
  const behind = rows.filter(({ ratio, against }) => against === "peer" && ratio > 1);
  return `## On a real kernel

\`vm\`: the compiled daemons in an emulated machine with two processors, 20 to 40 times slower than hardware, in one boot
and in turns with the original: read the ratios, not the seconds. Each figure is the median of the turns of the second
column (ours, and what it is compared with); our first turn is shown apart. "Kernel" is the time of the connects alone,
written to \`/dev/nvme-fabrics\` one after the other. Other work on the machine has a lower priority, and still takes
its share of caches. ${measuredAt(result)}

${
    table(
      ["figure", "turns", "first turn", "nvme-stas for Deno", "compared with", "ratio", "goal"],
      rows.map(({ cells }) => cells),
    )
  }
${
    behind.length === 0
      ? "No figure is behind the original's.\n"
      : `Behind the original: ${
        behind.map(({ text, ratio }) => `${text} (${ratio.toFixed(2)})`).join("; ")
      }.\n`
  }`;
}
