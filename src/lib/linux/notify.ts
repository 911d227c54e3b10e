/** Notifications to the service manager (sd_notify; PKG-3). Without a service manager nothing happens. */
import { errnoName } from "../nvme/errno.ts";
import type { Log } from "../ports.ts";
import { sys } from "./ffi_libc.ts";
import { UnixDatagram } from "./unix_datagram.ts";

export interface NotifyEnvironment {
  /** NOTIFY_SOCKET. */
  readonly socket: string | undefined;
  /** WATCHDOG_USEC, if it is meant for this process. */
  readonly watchdogUsec: number | undefined;
}

function notifyEnvironment(): NotifyEnvironment {
  const socket = Deno.env.get("NOTIFY_SOCKET");
  const pid = Deno.env.get("WATCHDOG_PID");
  const usec = Number(Deno.env.get("WATCHDOG_USEC"));
  return {
    // Paths and abstract names; our units have no vsock addresses.
    socket: socket !== undefined && /^[/@]/.test(socket) ? socket : undefined,
    watchdogUsec: usec > 0 && (pid === undefined || pid === String(Deno.pid)) ? usec : undefined,
  };
}

export class Notify {
  readonly #environment: NotifyEnvironment;
  readonly #log: Log;
  readonly #datagram = new UnixDatagram();
  #watchdog: ReturnType<typeof setInterval> | undefined;

  constructor(log: Log, environment: NotifyEnvironment = notifyEnvironment()) {
    this.#log = log;
    this.#environment = environment;
  }

  /** At the end of the start and of a reload. Begins to feed the watchdog, if the unit has one. */
  ready(status: string): void {
    this.#send(["READY=1", `STATUS=${oneLine(status)}`]);
    const usec = this.#environment.watchdogUsec;
    // Twice as often as required, and from the main loop, so that the signals stop when the loop does.
    if (usec !== undefined) this.#watchdog ??= setInterval(() => this.#send(["WATCHDOG=1"]), usec / 2000);
  }

  /** At the beginning of a reload; {@link ready} ends it. */
  reloading(): void {
    this.#send([
      "RELOADING=1",
      `MONOTONIC_USEC=${sys.monotonicUsec()}`,
      "STATUS=reloading the configuration",
    ]);
  }

  status(text: string): void {
    this.#send([`STATUS=${oneLine(text)}`]);
  }

  stopping(): void {
    this.#send(["STOPPING=1", "STATUS=stopping"]);
  }

  close(): void {
    clearInterval(this.#watchdog);
    this.#watchdog = undefined;
    this.#datagram.close();
  }

  #send(lines: readonly string[]): void {
    const { socket } = this.#environment;
    if (socket === undefined) return;
    const errno = this.#datagram.send(socket, new TextEncoder().encode(lines.join("\n")));
    if (errno !== 0) {
      this.#log.write({ level: "debug", message: `cannot notify the service manager: ${errnoName(errno)}` });
    }
  }
}

const oneLine = (text: string): string => text.replaceAll(/\s+/g, " ").trim();
