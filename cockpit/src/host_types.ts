/** The parts of `base1/cockpit.js` that this page uses; the host's Cockpit provides it (287 and later). */

/** Why a channel of Cockpit ended: `access-denied`, `not-found`, `change-conflict`... */
export interface HostFailure {
  readonly problem?: string | null;
  readonly message?: string;
  readonly exit_status?: number | null;
  /** Of D-Bus errors. */
  readonly name?: string;
}

export interface HostProcess extends PromiseLike<string> {
  input(data: string, more?: boolean): void;
  stream(take: (data: string) => void): void;
  close(problem?: string): void;
}

export interface SpawnOptions {
  readonly superuser?: "try" | "require";
  readonly err?: "message" | "out";
  readonly environ?: readonly string[];
}

export interface HostFile {
  /** Content null: the file does not exist. A failure comes as a third argument. */
  watch(
    take: (content: string | null, tag: string | null, failure: HostFailure | null) => void,
  ): { remove(): void };
  /** Fails with `change-conflict` when the file has another tag by now. */
  replace(content: string, expectedTag?: string): PromiseLike<string>;
  close(): void;
}

export interface HostBusClient {
  call(
    path: string,
    iface: string,
    method: string,
    args: readonly unknown[],
    options?: { readonly timeout?: number },
  ): PromiseLike<readonly unknown[]>;
  subscribe(
    match: {
      readonly path?: string;
      readonly interface?: string;
      readonly member?: string;
      readonly arg0?: string;
    },
    take: (path: string, iface: string, member: string, args: readonly unknown[]) => void,
  ): { remove(): void };
  addEventListener(event: "close", take: (event: unknown, failure: HostFailure | undefined) => void): void;
  close(): void;
}

export interface HostLocation {
  readonly path: readonly string[];
  readonly options: Readonly<Record<string, string | readonly string[]>>;
  go(path: readonly string[], options?: Readonly<Record<string, string>>): void;
}

/** An object of the bridge; its properties are fields. */
export interface HostProxy {
  /** False while its properties are not known. */
  readonly valid: boolean;
  readonly [property: string]: unknown;
  addEventListener(event: "changed", take: () => void): void;
}

/** What the bridge itself offers. */
export interface HostInternalBus {
  proxy(iface: string, path: string): HostProxy;
}

export interface Host {
  readonly location: HostLocation;
  addEventListener(event: "locationchanged", take: () => void): void;
  /** By their names, the packages of pages that this Cockpit has (`manifests.js`). */
  readonly manifests?: Readonly<Record<string, unknown>>;
  dbus(name: string, options: { readonly bus: "system" }): HostBusClient;
  dbus(name: null, options: { readonly bus: "internal" }): HostInternalBus;
  spawn(command: readonly string[], options?: SpawnOptions): HostProcess;
  file(path: string, options?: { readonly superuser?: "try" | "require" }): HostFile;
  /** Shows another page of Cockpit. */
  jump(path: string): void;
  /** Ends the overlay that the host shows while a page loads. */
  readonly transport: { wait(ready: () => void): void };
}

declare global {
  var cockpit: Host;
}
