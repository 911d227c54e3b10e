/** A daemon's state as metrics in Prometheus' text format (version 0.0.4, UTF-8). */
import { distinct, WANTED } from "../lib/dbus/v1_distinct.ts";
import {
  PHASES,
  type V1Controller,
  type V1Health,
  type V1Latency,
  type V1Source,
  type V1State,
} from "../lib/dbus/v1_types.ts";
import { storageMetrics } from "./metrics_storage.ts";
import { counterFamily, family, head, type Labels, line, type Sample } from "./metrics_text.ts";

const UP = "nvme_stas_up";

const SOURCES: Readonly<Record<V1State["daemon"], readonly V1Source["kind"][]>> = {
  stafd: ["config", "mdns", "referral", "nbft", "cache"],
  stacd: ["config", "log-page", "nbft", "cache"],
};

/** A metric under its new name and, for one minor version, also under its old name (DEC-17). */
const renamed = (old: string, name: string, help: string, samples: readonly Sample[]): readonly string[] => [
  family(name, help, samples),
  family(old, `The same as ${name}; this name will be removed in version 1.2.`, samples),
];

/** Absent when the daemon, being of another version, does not count it. */
const counter = (name: string, help: string, labels: Labels, value: number | undefined): string =>
  counterFamily(name, help, value === undefined ? [] : [{ labels, value }]);

/** In seconds; the count of each class includes the smaller ones. */
function histogram(name: string, help: string, labels: Labels, { bounds, counts, sum }: V1Latency): string {
  let upTo = 0;
  const buckets = [...bounds.map((bound) => String(bound / 1000)), "+Inf"].map((le, n) => {
    upTo += counts[n] ?? 0;
    return line(`${name}_bucket`, { labels: { ...labels, le }, value: upTo });
  });
  return head(name, help, "histogram") + buckets.join("") +
    line(`${name}_sum`, { labels, value: sum / 1000 }) + line(`${name}_count`, { labels, value: upTo });
}

/** The only metric of a daemon that cannot be reached. */
export function downText(daemon: V1State["daemon"]): string {
  return family(UP, "Whether the daemon answers over D-Bus.", [{ labels: { daemon }, value: 0 }]);
}

/** All metrics. Times are seconds since 1970, so that they are right however old the text is. */
export function metricsText(state: V1State, health: V1Health): string {
  const { daemon, config } = state;
  const controllers = distinct(state.controllers);
  const own = { daemon };
  const one = (value: number): readonly Sample[] => [{ labels: own, value }];
  const bySource = (match: (controller: V1Controller) => boolean): readonly Sample[] =>
    SOURCES[daemon].map((source) => ({
      labels: { ...own, source },
      value: controllers.filter((ctrl) =>
        match(ctrl) && ctrl.sources.some(({ kind }) => kind === source)
      ).length,
    }));
  const phases = Map.groupBy(controllers, ({ phase }) => phase);
  const wanted = controllers.filter(({ phase }) => WANTED.has(phase));
  const each = (
    list: readonly V1Controller[],
    value: (controller: V1Controller) => number,
  ): readonly Sample[] => list.map((ctrl) => ({ labels: { ...own, ...labelsOf(ctrl) }, value: value(ctrl) }));
  const pages = controllers.flatMap((ctrl) => ctrl.logPage === null ? [] : [{ ctrl, page: ctrl.logPage }]);
  const ofPages = (value: (page: NonNullable<V1Controller["logPage"]>) => number): readonly Sample[] =>
    pages.map(({ ctrl, page }) => ({ labels: { ...own, ...labelsOf(ctrl) }, value: value(page) }));
  const problems = Map.groupBy(health.problems, ({ id }) => id);
  const findings = Map.groupBy(config.findings, ({ severity }) => severity);
  return [
    family(UP, "Whether the daemon answers over D-Bus.", one(1)),
    ...renamed("nvme_stas_info", "nvme_stas_build_info", "The running version.", [{
      labels: { ...own, version: state.version },
      value: 1,
    }]),
    family("nvme_stas_start_time_seconds", "When the daemon was started.", one(state.started / 1000)),
    family(
      "nvme_stas_healthy",
      "Whether all wanted controllers are connected.",
      one(Number(health.status === "good")),
    ),
    family(
      "nvme_stas_problems",
      "Problems that degrade the daemon's health, by kind.",
      [...problems].map(([problem, list]) => ({ labels: { ...own, problem }, value: list.length })),
    ),
    family(
      "nvme_stas_wanted",
      "Controllers that a source wants; a controller with two sources counts for both.",
      bySource(({ phase }) => WANTED.has(phase)),
    ),
    family(
      "nvme_stas_connected",
      "Controllers that a source wants and that are connected.",
      bySource(({ phase }) => phase === "connected"),
    ),
    family(
      "nvme_stas_controllers",
      "Controllers by phase.",
      // All phases: a missing series is not the same as zero.
      PHASES.map((phase) => ({ labels: { ...own, phase }, value: phases.get(phase)?.length ?? 0 })),
    ),
    family(
      "nvme_stas_controller_connected",
      "Whether a wanted controller is connected.",
      each(wanted, ({ phase }) => Number(phase === "connected")),
    ),
    ...renamed(
      "nvme_stas_controller_since_seconds",
      "nvme_stas_controller_state_timestamp_seconds",
      "When a wanted controller entered its present state; all phases without a connection count as one state.",
      each(wanted, ({ since }) => since / 1000),
    ),
    family(
      "nvme_stas_controller_info",
      "Transport id of a connected controller; controller and nqn are the labels of node_exporter's nvmesubsystem collector.",
      // Several records may stand for one connection.
      [...new Map(controllers.map((ctrl) => [ctrl.device, ctrl])).values()].filter(({ device }) =>
        device !== ""
      ).map((ctrl) => ({
        labels: { ...own, controller: ctrl.device, nqn: ctrl.tid.subsysnqn, ...labelsOf(ctrl) },
        value: 1,
      })),
    ),
    family(
      "nvme_stas_controller_attempts",
      "Attempts to connect since the last success.",
      each(wanted, ({ attempts }) => attempts),
    ),
    counter(
      "nvme_stas_link_losses_total",
      "Links of connections that were lost since the daemon was started.",
      own,
      state.links?.lost,
    ),
    counter(
      "nvme_stas_link_returns_total",
      "Lost links that the kernel got back since the daemon was started.",
      own,
      state.links?.returned,
    ),
    storageMetrics(state),
    family(
      "nvme_stas_log_page_read_time_seconds",
      "When the discovery log page was last read.",
      ofPages(({ readAt }) => readAt / 1000),
    ),
    family("nvme_stas_log_page_entries", "Entries of the discovery log page.", ofPages((p) => p.entries)),
    family(
      "nvme_stas_config_valid",
      "Whether the last load of the configuration was accepted.",
      one(Number(config.valid)),
    ),
    family(
      "nvme_stas_config_load_time_seconds",
      "When the configuration was last loaded.",
      one(config.loadedAt / 1000),
    ),
    family(
      "nvme_stas_config_findings",
      "Findings in the configuration.",
      (["error", "warning", "notice"] as const).map((severity) => ({
        labels: { ...own, severity },
        value: findings.get(severity)?.length ?? 0,
      })),
    ),
    ...(state.avahi === null ? [] : [
      family("nvme_stas_avahi_available", "Whether Avahi answers.", one(Number(state.avahi.available))),
      family("nvme_stas_mdns_services", "Services that mDNS announces.", one(state.avahi.services)),
    ]),
    ...(state.stafd === null ? [] : [
      family("nvme_stas_stafd_present", "Whether stacd sees stafd.", one(Number(state.stafd.present))),
      family(
        "nvme_stas_stafd_report_time_seconds",
        "When stafd last reported its log pages to stacd.",
        state.stafd.reportedAt === null ? [] : one(state.stafd.reportedAt / 1000),
      ),
      ...(state.stafd.aenToConnect === null ? [] : [histogram(
        "nvme_stas_aen_to_connect_seconds",
        "From a discovery controller's event to the connection of a controller that was new in its log page.",
        own,
        state.stafd.aenToConnect,
      )]),
    ]),
  ].join("");
}

function labelsOf({ tid }: V1Controller): Labels {
  return {
    transport: tid.transport,
    traddr: tid.traddr,
    trsvcid: tid.trsvcid,
    subsysnqn: tid.subsysnqn,
    host_traddr: tid.hostTraddr,
    host_iface: tid.hostIface,
    host_nqn: tid.hostNqn,
  };
}
