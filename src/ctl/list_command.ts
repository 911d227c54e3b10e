/** `ls`: the controllers. */
import { BusErrors } from "../lib/dbus/bus_types.ts";
import type { Dict } from "../lib/dbus/client.ts";
import { distinct } from "../lib/dbus/v1_distinct.ts";
import type { V1State } from "../lib/dbus/v1_types.ts";
import { OK } from "./command_line.ts";
import { controllersTable } from "./controllers_view.ts";
import { callFailure } from "./failure_text.ts";
import { type Filter, filtered } from "./list_filter.ts";
import { type Format, printJson, printValue } from "./output_format.ts";
import { answered, fail, type Job, type Session, withDaemon } from "./session.ts";
import type { Style } from "./style.ts";
import { type Column, tableText } from "./table.ts";
import { controller2, head2 } from "./v2.ts";

export function list(job: Job, format: Format, detailed: boolean, filter: Filter = {}): Promise<number> {
  return withDaemon(job, async (session) => {
    const { client } = session;
    if (format === "literal") {
      return await answered(job, "list the controllers", client.listControllers(detailed), (controllers) => {
        printValue(job.world, "literal", controllers);
        return OK;
      });
    }
    const state = await client.state();
    if (state.ok) return show(job, format, state.value, filter);
    if (state.error.name === BusErrors.unknownInterface || state.error.name === BusErrors.unknownMethod) {
      return await listOriginal(job, session, format, detailed);
    }
    return fail(job, callFailure(job.tool.daemon, "list the controllers", state.error));
  });
}

function show(job: Job, format: Exclude<Format, "literal">, state: V1State, filter: Filter): number {
  const { world, style, tool } = job;
  const controllers = filtered(state.controllers, filter);
  switch (format) {
    case "table":
    case "wide":
      if (controllers.length === 0 && state.controllers.length > 0) {
        world.out.write(`None of the ${distinct(state.controllers).length} controllers matches.\n`);
        break;
      }
      world.out.write(
        controllersTable(
          tool.daemon,
          controllers,
          state.at,
          format === "wide",
          world.out.columns,
          style,
          (listed) => filtered(listed, filter),
        ),
      );
      break;
    case "name":
      world.out.write(controllers.map(({ device, text }) => `${device === "" ? text : device}\n`).join(""));
      break;
    case "json":
    case "jsonl":
      printJson(job, format, controllers, {
        whole: () => ({
          ...head2(state.daemon, state.at),
          output: "ls",
          controllers: controllers.map(controller2),
        }),
        lines: () =>
          controllers.map((one) => ({
            ...head2(state.daemon, state.at),
            output: "ls-line",
            controller: controller2(one),
          })),
      });
      break;
  }
  return OK;
}

/** The daemon is the original, which has no versioned interface, only its dictionaries. */
function listOriginal(
  job: Job,
  { client }: Session,
  format: Exclude<Format, "literal">,
  detailed: boolean,
): Promise<number> {
  return answered(job, "list the controllers", client.listControllers(detailed), (controllers) => {
    const { world, style } = job;
    if (format === "json" || format === "jsonl") printValue(world, format, controllers);
    else if (format === "name") {
      world.out.write(controllers.map((dict) => `${dict["device"] ?? ""}\n`).join(""));
    } else world.out.write(dictTable(controllers, format === "wide" ? Infinity : world.out.columns, style));
    return OK;
  });
}

function dictTable(controllers: readonly Dict[], width: number, style: Style): string {
  if (controllers.length === 0) return "No controllers.\n";
  const keys = ["device", "transport", "traddr", "trsvcid", "subsysnqn", "host-iface"];
  const columns = keys.map((key): Column => ({
    title: key.toUpperCase(),
    shrink: key === "subsysnqn" || key === "traddr" ? "start" : "never",
  }));
  const rows = controllers.map((dict) => keys.map((key) => ({ text: dict[key] ?? "" })));
  return tableText(columns, rows, width, style);
}
