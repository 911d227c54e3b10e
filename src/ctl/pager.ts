/** Long output on a terminal goes through a pager, as systemctl's does: `SYSTEMD_PAGER`, `PAGER`, or less. */
import type { Sink, World } from "./world.ts";

/** A program that shows a text page by page. */
export interface Pager {
  /** Settles when its user has left it. */
  show(text: string): Promise<void>;
}

/** Keeps the written text; in all other respects it behaves like the terminal. */
export class Buffer implements Sink {
  readonly isTerminal: boolean;
  readonly columns: number;
  text = "";

  constructor({ isTerminal, columns }: Pick<Sink, "isTerminal" | "columns">) {
    this.isTerminal = isTerminal;
    this.columns = columns;
  }

  write(text: string): boolean {
    this.text += text;
    return true;
  }
}

/** The pagers that the user wants, of which the first installed one counts; empty: none. */
function candidates({ env }: World): readonly (readonly string[])[] {
  const chosen = env("SYSTEMD_PAGER") ?? env("PAGER");
  if (chosen === "" || chosen === "cat" || env("TERM") === "dumb") return [];
  // For a pager that runs as root for another user, only less is known to be able to deny a shell.
  if (["SUDO_UID", "PKEXEC_UID", "DOAS_USER"].some((name) => env(name) !== undefined)) return [["less"]];
  const words = chosen?.trim().split(/\s+/) ?? [];
  return [...(words.length === 0 ? [] : [words]), ["less"], ["more"]];
}

/**
 * Runs a command with its output in a pager, if a person reads it. The pager is started before permissions
 * are given away.
 */
export async function paged(
  world: World,
  isWanted: boolean,
  work: (world: World) => Promise<number>,
): Promise<number> {
  const pager = isWanted && world.out.isTerminal
    ? world.openPager?.(candidates(world), {
      LESS: world.env("SYSTEMD_LESS") ?? "FRSXMK",
      LESSSECURE: "1",
      ...(/utf-?8/i.test(world.env("LANG") ?? world.env("LC_ALL") ?? "") ? { LESSCHARSET: "utf-8" } : {}),
    })
    : undefined;
  if (pager === undefined) return await work(world);
  const out = new Buffer(world.out);
  try {
    return await work({ ...world, out });
  } finally {
    await pager.show(out.text);
  }
}
