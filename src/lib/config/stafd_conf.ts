/** stafd.conf: every option with its default and its origin. */
import { type Duration, hours } from "../base/time.ts";
import { COMMON_DEFAULTS, type DaemonConf, parseDaemonConf, type ParsedConf } from "./daemon_conf.ts";
import { DC_MANAGEMENT, GLOBAL, SERVICE_DISCOVERY } from "./known_options.ts";
import { giveUpAfter } from "./next_names.ts";
import type { OptionReader } from "./option_reader.ts";
import type { Value } from "./origin.ts";
import type { ReadFile } from "./sys_conf.ts";
import { parseBoolean, parseEnabled, parseSpan } from "./scalar.ts";
import { youngPageSoak } from "./young_page_soak.ts";

export interface StafdConf extends DaemonConf, StafdOnly {}

interface StafdOnly {
  /** Port Local Entries Only: ask a DC for the entries of its own port (CFG-35). */
  readonly pleo: Value<boolean>;
  readonly zeroconf: Value<boolean>;
  /** Connections to discovery controllers outlive the daemon (CFG-38). */
  readonly persistentConnections: Value<boolean>;
  /** How long stafd keeps a DC that mDNS no longer announces and that does not answer (CFG-39). */
  readonly zeroconfPersistence: Value<Duration>;
  /** How long a young log page withdraws no referral. */
  readonly youngPageSoak: Value<Duration>;
}

/** `text` is undefined when there is no file; `file` is for origins and findings only. */
export function parseStafdConf(
  text: string | undefined,
  file: string,
  readFile?: ReadFile,
): ParsedConf<StafdConf> {
  return parseDaemonConf(
    text,
    file,
    "stafd",
    { ...COMMON_DEFAULTS, kato: 30 },
    (reader): StafdOnly => ({
      pleo: reader.value(GLOBAL, "pleo", parseEnabled, true, "enabled"),
      zeroconf: reader.value(SERVICE_DISCOVERY, "zeroconf", parseEnabled, true, "enabled"),
      persistentConnections: persistentConnections(reader),
      zeroconfPersistence: zeroconfPersistence(reader),
      youngPageSoak: youngPageSoak(reader, DC_MANAGEMENT),
    }),
    readFile,
  );
}

/** `dc-giveup-timeout`, of nvme-stas 3: if both are given the longer time counts. */
function zeroconfPersistence(reader: OptionReader): Value<Duration> {
  const option = "zeroconf-connections-persistence";
  const written = reader.value(DC_MANAGEMENT, option, parseSpan, hours(72), "72 hours");
  const next = giveUpAfter(reader.ini);
  if (next === undefined || (written.origin.kind === "file" && written.value.ms >= next.span.ms)) {
    return written;
  }
  return { value: next.span, origin: reader.origin(next.entry) };
}

/** The section of older versions counts if the option is in no other place (requirements 10). */
function persistentConnections(reader: OptionReader): Value<boolean> {
  const section = reader.last(DC_MANAGEMENT, "persistent-connections") === undefined ? GLOBAL : DC_MANAGEMENT;
  return reader.value(section, "persistent-connections", parseBoolean, true, "true");
}
