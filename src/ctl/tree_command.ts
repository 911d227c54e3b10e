/** `tree`: subsystems with their paths and devices; discovery controllers with what they announce. */
import { distinct } from "../lib/dbus/v1_distinct.ts";
import type { V1Controller, V1Namespace, V1Subsystem } from "../lib/dbus/v1_types.ts";
import { OK } from "./command_line.ts";
import { addressOf, ifaceOf, nqnOf, remark, servesNothing, sorted, toneOf } from "./controllers_view.ts";
import { callFailure } from "./failure_text.ts";
import { type PageOfDc, parsePages } from "./log_pages_command.ts";
import { printJson } from "./output_format.ts";
import { fail, type Job, withDaemon } from "./session.ts";
import type { Style } from "./style.ts";
import { harmless, shortened, widthOf } from "./text_width.ts";
import type { V1SubsystemTree } from "./v1_outputs.ts";
import { controller2, entry2, head2, storage2 } from "./v2.ts";

interface Node {
  readonly text: string;
  /** Follows the text, which takes `from` columns, and is cut where the terminal ends. */
  readonly more?: { readonly text: string; readonly from: number };
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
      } else print(job, all.map((one) => subsystemNode(one, at, job.style)));
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
    } else print(job, dcs.map((dc) => dcNode(dc.controller, dc.entries, at, job.style)));
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

function subsystemNode({ nqn, paths, subsystem }: Subsystem, now: number, style: Style): Node {
  const name = style.paint("strong", harmless(nqn));
  if (subsystem === undefined) {
    return { text: name, children: paths.map((path) => pathNode(path, now, style)) };
  }
  const { live, wanted, ioPolicy, namespaces } = subsystem;
  const tone = live === 0 ? "bad" : live < wanted ? "busy" : "good";
  const count = style.paint(tone, `${live} of ${wanted} ${wanted === 1 ? "path" : "paths"}`);
  const policy = ioPolicy === "" ? "" : `, ${harmless(ioPolicy)}`;
  return {
    text: `${name}  ${count}${policy}`,
    children: [
      ...paths.map((path) => pathNode({ ...path, namespaces: [] }, now, style)),
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
  const text = harmless(`${device}${by}`);
  return {
    text,
    ...(use === "" ? {} : { more: { text: `: ${harmless(use)}`, from: widthOf(text) } }),
    children: [],
  };
}

function pathNode(controller: V1Controller, now: number, style: Style): Node {
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
    text: words + style.paint(toneOf(phase), phase) +
      style.paint(servesNothing(controller) ? "bad" : "plain", ana),
    ...(more === "" ? {} : { more: { text: `: ${harmless(more)}`, from: widthOf(words + phase + ana) } }),
    children: namespaces.map((name) => ({ text: harmless(name), children: [] })),
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

function dcNode(controller: V1Controller, entries: readonly Entry[], now: number, style: Style): Node {
  const { text, more } = pathNode({ ...controller, namespaces: [] }, now, style);
  const nqn = nqnOf(controller) === "-" ? "" : ` ${harmless(nqnOf(controller))}`;
  return {
    text: text + style.paint("faint", nqn),
    ...(more === undefined ? {} : { more: { ...more, from: more.from + widthOf(nqn) } }),
    children: [...Map.groupBy(entries, (entry) => `${entry["subtype"] ?? ""} ${entry["subnqn"] ?? ""}`)].map(
      ([name, paths]) => ({
        text: harmless(name),
        children: paths.map((entry) => ({
          text: harmless(`${entry["trtype"] ?? ""} ${entry["traddr"] ?? ""} ${entry["trsvcid"] ?? ""}`),
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
    world.out.write(lineOf("", node, columns, style) + branches(node.children, "", columns, style));
  }
}

function branches(nodes: readonly Node[], stem: string, columns: number, style: Style): string {
  return nodes.map((node, n) => {
    const last = n === nodes.length - 1;
    const line = lineOf(`${stem}${last ? style.lastBranch : style.branch}`, node, columns, style);
    return line + branches(node.children, stem + (last ? style.gap : style.stem), columns, style);
  }).join("");
}

function lineOf(stem: string, { text, more }: Node, columns: number, style: Style): string {
  if (more === undefined) return `${stem}${text}\n`;
  const room = Math.max(0, columns - widthOf(stem) - more.from);
  return `${stem}${text}${shortened(more.text, room, style.mark, "end")}\n`;
}
