/**
 * The life of a daemon from start to end, the same for both: first come the checks that can refuse a start,
 * then the daemon takes its bus name, then the core gets the state of the machine. Nothing is changed before
 * the name is ours.
 */
import type { DaemonConf, ParsedConf } from "../config/daemon_conf.ts";
import type { ReadFile, ReadFolder } from "../config/sys_conf.ts";
import { type ReadNext, readNextFiles } from "../config/next_files.ts";
import type { HostConf } from "../core/request/host.ts";
import { eventFields } from "../base/messages.ts";
import type { STAC, STAF } from "../dbus/interfaces.ts";
import { type BusAccess, BusKeeper } from "../dbus/reconnect.ts";
import { runtimeLine, VERSION } from "../base/version.ts";
import type { Clock, Log } from "../ports.ts";
import {
  findingEntry,
  loadConf,
  type Loaded,
  loadHost,
  onHost,
  reloadedConf,
  reloadedHost,
  SYS_CONF,
  withConnFiles,
  withConnHost,
} from "./conf_files.ts";
import type { DaemonFacts } from "./daemon_facts.ts";
import { daemonHelp, type DaemonOptions, daemonUsage, parseDaemonOptions } from "./daemon_options.ts";

/**
 * EX_CONFIG: a person has to correct a file. The units do not restart a daemon that ended with this status.
 */
export const MALFORMED = 78;
/** Errors that may resolve themselves: the units restart the daemon, for ever. */
const FAILED = 1;

const TOOLS = { stafd: "stafctl", stacd: "stacctl" } as const;

/** The functions of the machine that start and end need. */
export interface RunPlatform {
  readonly log: Log;
  readonly setTron: (on: boolean) => void;
  readonly clock: Clock;
  readonly notify: { ready(status: string): void; reloading(): void; stopping(): void; close(): void };
  readonly stateFilePath: string;
  readonly startProblem: () => string | undefined;
  readonly readFile: ReadFile;
  /** Without it every folder counts as empty. */
  readonly readFolder?: ReadFolder;
  readonly bus: BusAccess;
  readonly signals: {
    on(signal: "SIGHUP" | "SIGTERM" | "SIGINT", handler: () => void): void;
    /** Ends the process at once. */
    exit(status: number): void;
  };
}

/** A daemon that is running. */
export interface Running<Conf> {
  /**
   * All facts that the daemon needs at the start. `ready` is called when its units may count on it, before anything is
   * looked up: the bus name answers, and what it does not know yet counts as unknown (S2).
   */
  readonly begin: (host: HostConf, conf: Conf, ready: () => void) => Promise<void>;
  /** A reload: a value that could not be read is undefined and stays as it was. */
  readonly reload: (host: HostConf | undefined, conf: Conf | undefined) => void;
  readonly stop: () => void;
  /** Settles when all work is finished. */
  readonly ended: Promise<void>;
  readonly close: () => Promise<void>;
}

export interface DaemonSpec<Conf, P extends RunPlatform> {
  readonly program: "stafd" | "stacd";
  readonly what: string;
  readonly service: typeof STAF | typeof STAC;
  readonly parse: (text: string | undefined, file: string, read: ReadFile) => ParsedConf<Conf>;
  readonly open: (options: DaemonOptions) => P;
  readonly libraryVersion: () => string;
  /** Builds everything and attaches it to the bus keeper; starts nothing. */
  readonly build: (context: Context<P>) => Promise<Running<Conf>>;
}

export interface Context<P> extends BusContext {
  readonly platform: P;
}

/** The inputs of a daemon other than its machine. */
export interface BusContext {
  readonly keeper: BusKeeper;
  readonly facts: DaemonFacts;
  readonly setTron: (on: boolean) => void;
}

/** The result is the exit status. */
export async function runDaemon<Conf extends DaemonConf, P extends RunPlatform>(
  spec: DaemonSpec<Conf, P>,
  args: readonly string[],
): Promise<number> {
  const confFile = `/etc/stas/${spec.program}.conf`;
  const parsed = parseDaemonOptions(args);
  if (!parsed.run) {
    if (parsed.show === "error") {
      console.error(`${daemonUsage(spec.program)}\n${spec.program}: error: ${parsed.message}`);
      return 2;
    }
    console.log(
      parsed.show === "help"
        ? daemonHelp(spec.program, spec.what, confFile).trimEnd()
        : `nvme-stas ${VERSION}\nlibnvme ${spec.libraryVersion()}\n${runtimeLine(Deno.version.deno)}`,
    );
    return 0;
  }
  const platform = spec.open(parsed.options);
  const problem = platform.startProblem();
  if (problem !== undefined) {
    console.error(`${spec.program}: ${problem}`);
    return FAILED;
  }
  return await new Daemon(spec, platform, parsed.options, parsed.options.confFile ?? confFile).run();
}

class Daemon<Conf extends DaemonConf, P extends RunPlatform> {
  readonly #spec: DaemonSpec<Conf, P>;
  readonly #platform: P;
  readonly #options: DaemonOptions;
  readonly #facts: DaemonFacts;

  constructor(spec: DaemonSpec<Conf, P>, platform: P, options: DaemonOptions, file: string) {
    this.#spec = spec;
    this.#platform = platform;
    this.#options = options;
    const { wall } = platform.clock.now();
    this.#facts = {
      version: VERSION,
      started: wall,
      stateFile: platform.stateFilePath,
      supportsDiscovery: true,
      supportsHostIface: true,
      tron: options.tron,
      conf: { file, loadedAt: wall, valid: true, findings: [] },
    };
  }

  async run(): Promise<number> {
    const { log, notify } = this.#platform;
    const next = this.#next();
    const host = this.#host(next);
    const conf = this.#conf(host, next);
    if (!host.ok || !conf.ok) return this.#refuse([host, conf]);
    this.#setTron(this.#options.tron || conf.value.tron.value);

    const { name } = this.#spec.service;
    const keeper = new BusKeeper(this.#platform.bus, name, (event) => {
      if (event.type === "lost") {
        log.write({ level: "warning", message: `The connection to the bus is lost: ${event.reason}` });
      } else if (event.type === "back") log.write({ level: "info", message: "The bus is back" });
      else log.write({ level: "debug", message: `No bus yet: ${event.error.message}` });
    });
    const running = await this.#spec.build({
      platform: this.#platform,
      keeper,
      facts: this.#facts,
      setTron: (on) => this.#setTron(on),
    });
    const started = await keeper.start();
    if (!started.ok) {
      const message = started.taken
        ? `another ${this.#spec.program} is running: the bus name ${name} is taken. Stop it first.`
        : `cannot use the system bus: ${started.error.message}. Is dbus running (systemctl status dbus), and is the bus ` +
          "policy of nvme-stas installed?";
      log.write({ level: "error", message });
      await running.close();
      return FAILED;
    }
    this.#signals(running);
    await running.begin(host.value, conf.value, () => notify.ready("running"));
    await running.ended;
    keeper.stop();
    await running.close();
    notify.close();
    return 0;
  }

  /** Ends a start whose files cannot be used, and explains how to make the next one succeed. */
  #refuse(files: readonly Loaded<unknown>[]): number {
    const malformed = files.some((file) => !file.ok && file.why === "malformed");
    const { program } = this.#spec;
    const next = malformed
      ? `the configuration is malformed. Correct it (errors are listed above; "${
        TOOLS[program]
      } check" lists them, too), ` +
        `then: systemctl start ${program}`
      : `a required file is missing, empty or unreadable (see above). systemd tries again, for ever; ` +
        `to try at once: systemctl restart ${program}`;
    this.#platform.log.write({ level: "error", message: `${program} cannot start: ${next}` });
    return malformed ? MALFORMED : FAILED;
  }

  #signals(running: Running<Conf>): void {
    const { notify, signals } = this.#platform;
    let stopping = false;
    signals.on("SIGHUP", () => {
      if (stopping) return;
      notify.reloading();
      this.#reload(running);
      notify.ready("running");
    });
    for (const signal of ["SIGTERM", "SIGINT"] as const) {
      signals.on(signal, () => {
        // STAF-102: the second signal does not wait for anything.
        if (stopping) signals.exit(0);
        stopping = true;
        notify.stopping();
        running.stop();
      });
    }
  }

  #reload(running: Running<Conf>): void {
    const next = this.#next();
    // Files that were read together are used together.
    const isRejected = next !== undefined && !next.ok;
    const host = reloadedHost(this.#host(next));
    const conf = reloadedConf(this.#conf(host, next));
    if (!host.ok) {
      this.#platform.log.write({
        level: "error",
        message: `${SYS_CONF} rejected; the previous host identity and key stay in force`,
        fields: eventFields("reload-refused"),
      });
    }
    if (!conf.ok) {
      this.#facts.conf = { ...this.#facts.conf, valid: false };
      this.#platform.log.write({
        level: "error",
        message: `${this.#files()} rejected; the previous configuration stays in force`,
        fields: eventFields("reload-refused"),
      });
    }
    if (conf.ok) this.#setTron(conf.value.tron.value);
    running.reload(host.ok && !isRejected ? host.value : undefined, conf.ok ? conf.value : undefined);
  }

  #files(): string {
    const { file } = this.#facts.conf;
    const { connConfFile } = this.#options;
    return connConfFile === undefined ? `${file} is` : `${file} and ${connConfFile} are`;
  }

  /** Undefined: there is no such file. */
  #next(): ReadNext | undefined {
    const { connConfFile } = this.#options;
    if (connConfFile === undefined) return undefined;
    const { readFile, readFolder = () => ({ ok: true, names: [] }) } = this.#platform;
    return readNextFiles(connConfFile, readFile, readFolder);
  }

  #host(next: ReadNext | undefined): Loaded<HostConf> {
    const loaded = loadHost(SYS_CONF, this.#platform.readFile);
    for (const finding of loaded.findings) this.#platform.log.write(findingEntry(finding));
    return next === undefined ? loaded : withConnHost(loaded, next);
  }

  #conf(host: Loaded<HostConf>, next: ReadNext | undefined): Loaded<Conf> {
    const { file } = this.#facts.conf;
    const { program } = this.#spec;
    const named = this.#options.confFile !== undefined;
    const { readFile } = this.#platform;
    const own = loadConf(file, named, readFile, this.#spec.parse);
    const parsed = next === undefined ? own : withConnFiles(own, next, program, readFile);
    const loaded = host.ok ? onHost(parsed, program, host.value) : parsed;
    for (const finding of loaded.findings) this.#platform.log.write(findingEntry(finding));
    const { wall } = this.#platform.clock.now();
    this.#facts.conf = { file, loadedAt: wall, valid: loaded.ok, findings: loaded.findings };
    if (loaded.ok && next?.ok === true) this.#facts.next = next.conf;
    return loaded;
  }

  #setTron(on: boolean): void {
    this.#facts.tron = on;
    this.#platform.setTron(on);
  }
}
