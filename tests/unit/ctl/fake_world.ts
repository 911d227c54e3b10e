import { namesOf } from "../../../src/lib/daemon/record/names.ts";
import type { Ran, Sink, World } from "../../../src/ctl/world.ts";

export interface FakeWorld extends World {
  readonly out: FakeSink;
  readonly err: FakeSink;
  /** What was given to a pager. */
  paged?: { readonly commands: readonly (readonly string[])[]; text: string };
}

export interface FakeSink extends Sink {
  text: string;
  /** Settles when such a text has been written; fails after 10 s. */
  until(wanted: RegExp): Promise<void>;
}

function sink(isTerminal: boolean, columns: number): FakeSink {
  const waiting = new Set<() => void>();
  return {
    text: "",
    isTerminal,
    columns,
    write(text: string): boolean {
      this.text += text;
      for (const look of [...waiting]) look();
      return true;
    },
    until(wanted: RegExp): Promise<void> {
      return new Promise((resolve, reject) => {
        const timer = setTimeout(() => reject(new Error(`${wanted} was not written: ${this.text}`)), 10_000);
        const look = (): void => {
          if (!wanted.test(this.text)) return;
          clearTimeout(timer);
          waiting.delete(look);
          resolve();
        };
        waiting.add(look);
        look();
      });
    },
  };
}

export interface FakeOptions {
  readonly terminal?: boolean;
  readonly columns?: number;
  readonly bus?: string;
  readonly confDir?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly interrupted?: Promise<void>;
  readonly root?: string;
  readonly uid?: number;
  /** Milliseconds since 1970. */
  readonly now?: number;
  readonly run?: (command: readonly string[]) => Ran | undefined;
  readonly hiddenFolders?: World["hiddenFolders"];
}

/** A world that keeps what is written to it. */
export function fakeWorld(options: FakeOptions = {}): FakeWorld {
  const { terminal = false, columns = 120 } = options;
  return {
    openPager(commands) {
      if (commands.length === 0) return undefined;
      const paged = { commands, text: "" };
      this.paged = paged;
      return {
        show: (text) => {
          paged.text = text;
          this.out.write(text);
          return Promise.resolve();
        },
      };
    },
    out: sink(terminal, columns),
    err: sink(terminal, columns),
    bus: options.bus ?? "unix:path=/nowhere/bus",
    recordedNames: (recording) => Promise.resolve(namesOf(recording)),
    confDir: options.confDir ?? "/nowhere/stas",
    root: options.root ?? "/nowhere",
    uid: options.uid ?? 0,
    ...options.hiddenFolders === undefined ? {} : { hiddenFolders: options.hiddenFolders },
    run: (command) => Promise.resolve(options.run?.(command)),
    env: (name) => options.env?.[name],
    now: () => options.now ?? 1_700_000_000_000,
    dropPermissions: () => {},
    interrupted: () => options.interrupted ?? new Promise(() => {}),
  };
}
