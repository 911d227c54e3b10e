/** Subsystems, their paths and namespaces as metrics. */
import type { V1State } from "../lib/dbus/v1_types.ts";
import { counterFamily, family, type Labels, type Sample } from "./metrics_text.ts";

export function storageMetrics({ daemon, subsystems = [] }: V1State): string {
  const each = (
    samples: (one: typeof subsystems[number], own: Labels) => readonly Sample[],
  ): readonly Sample[] => subsystems.flatMap((one) => samples(one, { daemon, subsysnqn: one.nqn }));
  const diag = (
    labels: Labels,
    counters: Readonly<Record<string, number>> | undefined,
  ): readonly Sample[] =>
    Object.entries(counters ?? {}).map(([counter, value]) => ({ labels: { ...labels, counter }, value }));
  return [
    family(
      "nvme_stas_subsystem_info",
      "A connected subsystem: its name in sysfs, its model and its I/O policy.",
      each(({ device, model, ioPolicy }, own) => [{
        labels: { ...own, subsystem: device, model, iopolicy: ioPolicy },
        value: 1,
      }]),
    ),
    family(
      "nvme_stas_subsystem_paths",
      "Wanted paths of a subsystem, and those of them that are live.",
      each(({ live, wanted }, own) => [
        { labels: { ...own, is: "live" }, value: live },
        { labels: { ...own, is: "wanted" }, value: wanted },
      ]),
    ),
    family(
      "nvme_stas_path_ana_state",
      "The ANA state of a path to a namespace, as a label; always 1.",
      each(({ namespaces }, own) =>
        namespaces.flatMap((namespace) =>
          namespace.paths.filter(({ anaState }) => anaState !== "").map(({ device, anaState }) => ({
            labels: { ...own, namespace: namespace.device, device, state: anaState },
            value: 1,
          }))
        )
      ),
    ),
    family(
      "nvme_stas_namespace_in_use",
      "Whether the namespace is in use, as far as this daemon can see.",
      each(({ namespaces }, own) =>
        namespaces.map(({ device, holders }) => ({
          labels: { ...own, namespace: device },
          value: Number(holders.length > 0),
        }))
      ),
    ),
    counterFamily(
      "nvme_stas_controller_diag_total",
      "Counters that the kernel keeps of a controller (diag in sysfs).",
      each(({ counters = {} }, own) =>
        Object.entries(counters).flatMap(([device, all]) => diag({ ...own, device }, all))
      ),
    ),
    counterFamily(
      "nvme_stas_path_diag_total",
      "Counters that the kernel keeps of a path to a namespace (diag in sysfs).",
      each(({ namespaces }, own) =>
        namespaces.flatMap((namespace) =>
          namespace.paths.flatMap(({ device, counters }) =>
            diag({ ...own, namespace: namespace.device, device }, counters)
          )
        )
      ),
    ),
    counterFamily(
      "nvme_stas_namespace_diag_total",
      "Counters that the kernel keeps of a namespace with all its paths (diag in sysfs).",
      each(({ namespaces }, own) =>
        namespaces.flatMap(({ device, counters }) => diag({ ...own, namespace: device }, counters))
      ),
    ),
  ].join("");
}
