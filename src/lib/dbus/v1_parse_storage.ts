/** Strict parsers of the subsystems and namespaces in `state`. */
import type { JsonReader } from "./json_reader.ts";
import type { V1Namespace, V1Subsystem } from "./v1_types.ts";

const words = (item: JsonReader): string => item.text();

function counters(item: JsonReader): { counters?: Readonly<Record<string, number>> } {
  const found = item.maybe("counters", (all) => all.record((one) => one.number()));
  return found === undefined ? {} : { counters: found };
}

const namespace = (item: JsonReader): V1Namespace => ({
  device: item.at("device").text(),
  shared: item.at("shared").boolean(),
  holders: item.at("holders").list(words),
  unknown: item.maybe("unknown", words) ?? null,
  paths: item.at("paths").list((path) => ({
    device: path.at("device").text(),
    path: path.at("path").text(),
    state: path.at("state").text(),
    anaState: path.at("anaState").text(),
    ...counters(path),
  })),
  ...counters(item),
});

export function subsystem(item: JsonReader): V1Subsystem {
  const all = item.maybe("counters", (each) => each.record((one) => one.record((value) => value.number())));
  return {
    nqn: item.at("nqn").text(),
    device: item.at("device").text(),
    model: item.at("model").text(),
    ioPolicy: item.at("ioPolicy").text(),
    wanted: item.at("wanted").number(),
    live: item.at("live").number(),
    ...(all === undefined ? {} : { counters: all }),
    namespaces: item.at("namespaces").list(namespace),
  };
}
