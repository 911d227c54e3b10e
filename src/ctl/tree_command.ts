/** `tree`: subsystems with their paths and devices; discovery controllers with what they announce. */
import { distinct } from "../lib/dbus/v1_distinct.ts";
import type { V1Controller, V1Namespace, V1Subsystem } from "../lib/dbus/v1_types.ts";
import { OK } from "./command_line.ts";
import {
  addressOf,
  addressText,
  ifaceOf,
  nqnOf,
  remark,
  servesNothing,
  sorted,
  toneOf,
} from "./controllers_view.ts";
import { callFailure } from "./failure_text.ts";
import { type PageOfDc, parsePages } from "./log_pages_command.ts";
import { printJson } from "./output_format.ts";
import { fail, type Job, withDaemon } from "./session.ts";
import type { Style, Tone } from "./style.ts";
import { harmless, shortened, widthOf, wrapped } from "./text_width.ts";
import type { V1SubsystemTree } from "./v1_outputs.ts";
import { controller2, entry2, head2, storage2 } from "./v2.ts";

type Part = readonly [tone: Tone, text: string];

const plain = (text: string): Part => ["plain", text];

interface Node {
  /** A long name, the end of which tells it from others: where it has no room, its beginning is left out. */
  readonly name?: string;
  /** Follows the name, in parts that each have a tone. */
  readonly text: readonly Part[];
  /** Follows the text, or stands below it where the terminal is too narrow. */
  readonly more?: string;
  readonly children: readonly Node[];
}

export function tree(job: Job, format: "table" | "json"): Promise<number> {
  return withDaemon(job, async ({ client }) => {
    const state = await client.state();
    if (!state.ok) return fail(job, callFailure(job.tool.daemon, "show its controllers", state.error));
    const { at } = state.value;
    const controllers = distinct(state.value.controllers);
    if (job.tool.daemon === "stacd") {
      const known = new Map((state.value.subsystems ?? []).map((one) => [one.nqn, one]));
      const all = [...bySubsystem(controllers)].map(([nqn, paths]) => ({
        nqn,
        paths,
        subsystem: known.get(nqn),
      }));
      if (format === "json") {
        printJson(job, "json", all.map(subsystem1), {
          whole: () => ({
            ...head2("stacd", at),
            output: "tree",
            subsystems: all.map(({ nqn, paths, subsystem }) => ({
              subsysnqn: nqn,
              paths: paths.map(controller2),
              storage: subsystem === undefined ? null : storage2(subsystem),
            })),
          }),
        });
      } else print(job, all.map((one) => subsystemNode(one, at)));
      return OK;
    }
    const pages = await client.getAllLogPages(false);
    if (!pages.ok) return fail(job, callFailure(job.tool.daemon, "show its log pages", pages.error));
    const parsed = parsePages(pages.value);
    if (!parsed.ok) return fail(job, `stafd's answer cannot be understood: ${parsed.message}`);
    const dcs = sorted(controllers).map((controller) => ({
      controller,
      entries: entriesOf(controller, parsed.value),
    }));
    if (format === "json") {
      printJson(job, "json", dcs, {
        whole: () => ({
          ...head2("stafd", at),
          output: "tree-dcs",
          dcs: dcs.map(({ controller, entries }) => ({
            controller: controller2(controller),
            entries: entries.map(entry2),
          })),
        }),
      });
    } else print(job, dcs.map((dc) => dcNode(dc.controller, dc.entries, at)));
    return OK;
  });
}

function bySubsystem(controllers: readonly V1Controller[]): ReadonlyMap<string, readonly V1Controller[]> {
  return Map.groupBy(sorted(controllers), ({ tid }) => tid.subsysnqn);
}

const subsystem1 = ({ subsystem, ...one }: Subsystem): V1SubsystemTree => ({
  ...one,
  ...(subsystem === undefined ? {} : { storage: subsystem }),
});

interface Subsystem {
  readonly nqn: string;
  readonly paths: readonly V1Controller[];
  /** Undefined when the daemon does not report it, or the kernel has no subsystem of that name. */
  readonly subsystem: V1Subsystem | undefined;
}

function subsystemNode({ nqn, paths, subsystem }: Subsystem, now: number): Node {
  const name = harmless(nqn);
  if (subsystem === undefined) {
    return { name, text: [], children: paths.map((path) => pathNode(path, now)) };
  }
  const { live, wanted, ioPolicy, namespaces } = subsystem;
  const tone = live === 0 ? "bad" : live < wanted ? "busy" : "good";
  const count = `${live} of ${wanted} ${wanted === 1 ? "path" : "paths"}`;
  const policy = ioPolicy === "" ? "" : `, ${harmless(ioPolicy)}`;
  return {
    name,
    text: [plain("  "), [tone, count], plain(policy)],
    children: [
      ...paths.map((path) => pathNode({ ...path, namespaces: [] }, now)),
      ...namespaces.map((namespace) => namespaceNode(namespace, namespace.paths.length < live)),
    ],
  };
}

/** `isPartial`: only some paths serve the namespace, and these are named. */
function namespaceNode(
  { device, shared, holders, unknown, paths }: V1Namespace,
  isPartial: boolean,
): Node {
  const by = shared && !isPartial ? "" : ` by ${paths.map((path) => path.device).join(", ")}`;
  const use = [...holders, ...(unknown === null ? [] : [`use not completely known: ${unknown}`])].join("; ");
  return {
    text: [plain(harmless(`${device}${by}`))],
    ...(use === "" ? {} : { more: harmless(use) }),
    children: [],
  };
}

function pathNode(controller: V1Controller, now: number): Node {
  const { tid, device, phase, namespaces, anaState = "", srcAddr = "" } = controller;
  const iface = ifaceOf(controller);
  const by = iface === "" ? "" : ` on ${iface}`;
  const source = srcAddr === "" ? "" : ` from ${srcAddr}`;
  const words = harmless(
    `${device === "" ? "" : `${device} `}${tid.transport} ${addressOf(controller)}${by}${source} `,
  );
  const ana = anaState === "" || phase !== "connected" ? "" : ` ${harmless(anaState)}`;
  const more = remark(controller, now);
  return {
    text: [plain(words), [toneOf(phase), phase], [servesNothing(controller) ? "bad" : "plain", ana]],
    ...(more === "" ? {} : { more: harmless(more) }),
    children: namespaces.map((name) => ({ text: [plain(harmless(name))], children: [] })),
  };
}

type Entry = PageOfDc["entries"][number];

function entriesOf({ tid }: V1Controller, pages: readonly PageOfDc[]): readonly Entry[] {
  const page = pages.find(({ dc }) =>
    dc["transport"] === tid.transport && dc["traddr"] === tid.traddr && dc["trsvcid"] === tid.trsvcid &&
    dc["subsysnqn"] === tid.subsysnqn && dc["host-traddr"] === tid.hostTraddr &&
    dc["host-iface"] === tid.hostIface && dc["host-nqn"] === tid.hostNqn
  );
  return page?.entries ?? [];
}

function dcNode(controller: V1Controller, entries: readonly Entry[], now: number): Node {
  const { text, more } = pathNode({ ...controller, namespaces: [] }, now);
  const nqn = nqnOf(controller) === "-" ? "" : ` ${harmless(nqnOf(controller))}`;
  return {
    text: [...text, ["faint", nqn]],
    ...(more === undefined ? {} : { more }),
    children: [...Map.groupBy(entries, (entry) => `${entry["subtype"] ?? ""} ${entry["subnqn"] ?? ""}`)].map(
      ([name, paths]) => ({
        name: harmless(name),
        text: [],
        children: paths.map((entry) => ({
          text: [
            plain(
              harmless(
                `${entry["trtype"] ?? ""} ${addressText(entry["traddr"] ?? "", entry["trsvcid"] ?? "")}`,
              ),
            ),
          ],
          children: [],
        })),
      }),
    ),
  };
}

function print({ world, style }: Job, nodes: readonly Node[]): void {
  const columns = world.out.isTerminal ? world.out.columns : Infinity;
  if (nodes.length === 0) world.out.write("No controllers.\n");
  for (const node of nodes) {
    world.out.write(linesOf("", "", node, columns, style) + branches(node.children, "", columns, style));
  }
}

function branches(nodes: readonly Node[], stem: string, columns: number, style: Style): string {
  return nodes.map((node, n) => {
    const last = n === nodes.length - 1;
    const below = stem + (last ? style.gap : style.stem);
    return linesOf(`${stem}${last ? style.lastBranch : style.branch}`, below, node, columns, style) +
      branches(node.children, below, columns, style);
  }).join("");
}

/** `below`: what stands before the lines below its first one. */
function linesOf(stem: string, below: string, node: Node, columns: number, style: Style): string {
  const { name = "", text, more } = node;
  const width = widthOf(stem) + text.reduce((sum, [, part]) => sum + widthOf(part), 0);
  const shown = shortened(name, Math.max(LEAST_NAME, columns - width), style.mark, "start");
  const line = stem + style.paint("strong", shown) +
    text.map(([tone, part]) => style.paint(tone, part)).join("");
  if (more === undefined) return `${line}\n`;
  if (width + widthOf(shown) + widthOf(more) + 2 <= columns) return `${line}: ${more}\n`;
  const indent = `${below}${node.children.length > 0 ? style.stem : style.gap}  `;
  return `${line}\n${wrapped(more, columns - widthOf(indent)).map((part) => `${indent}${part}\n`).join("")}`;
}

/** Columns that a name keeps, however narrow the terminal. */
const LEAST_NAME = 20;
