/** A configuration file of the host during an edit. */
import { useEffect, useRef, useState } from "react";
import { useAdmin } from "./permission.ts";
import { type Outcome, type Problem, problemOf, settled } from "./outcome.ts";

export interface EditedFile {
  /** Undefined while it is read. */
  readonly read: Outcome<{ readonly exists: boolean }> | undefined;
  readonly text: string;
  readonly isChanged: boolean;
  /** The file has changed on the host since the edit began. */
  readonly isConflict: boolean;
  edit(text: string): void;
  /** Takes the host's text, and discards the edit. */
  takeHosts(): void;
  /** Keeps the edit, based on the host's present text. */
  keepMine(): void;
  /** Undefined on success. A file that has changed meanwhile is not overwritten. */
  save(): Promise<Problem | undefined>;
}

interface Version {
  readonly text: string;
  /** Cockpit's mark of a version of the file; `-` is that of a missing one. */
  readonly tag: string;
}

const NONE: Version = { text: "", tag: "-" };

export function useEditedFile(path: string): EditedFile {
  /** The version that the edit began with. */
  const [base, setBase] = useState<Version | undefined>(undefined);
  const [hosts, setHosts] = useState<Version | undefined>(undefined);
  const [problem, setProblem] = useState<Problem | undefined>(undefined);
  const [mine, setMine] = useState<string | undefined>(undefined);
  /** The watcher's own view of whether something is edited. */
  const edited = useRef(false);
  edited.current = mine !== undefined && mine !== base?.text;
  /** The file that the state above is of. */
  const shown = useRef<string | undefined>(undefined);
  // A file that only root may read is read again when administrative access changes; an edit outlives that.
  const isAdmin = useAdmin() === true;
  useEffect(() => {
    if (shown.current !== path) {
      shown.current = path;
      setBase(undefined);
      setHosts(undefined);
      setMine(undefined);
    }
    setProblem(undefined);
    const file = globalThis.cockpit.file(path, { superuser: "try" });
    const watch = file.watch((content, tag, failure) => {
      if (failure !== null && failure !== undefined) {
        setProblem(problemOf(failure));
        return;
      }
      const version = content === null ? NONE : { text: content, tag: tag ?? NONE.tag };
      setProblem(undefined);
      setHosts(version);
      // Without an edit of one's own the newest version is simply shown.
      setBase((before) => before === undefined || !edited.current ? version : before);
    });
    return () => {
      watch.remove();
      file.close();
    };
  }, [path, isAdmin]);
  const text = mine ?? base?.text ?? "";
  const isChanged = base !== undefined && text !== base.text;
  return {
    read: problem !== undefined
      ? { ok: false, problem }
      : base === undefined
      ? undefined
      : { ok: true, value: { exists: base.tag !== NONE.tag } },
    text,
    isChanged,
    isConflict: isChanged && hosts !== undefined && base.tag !== hosts.tag,
    edit: setMine,
    takeHosts: () => {
      setBase(hosts);
      setMine(undefined);
    },
    keepMine: () => setBase(hosts),
    save: async () => {
      const file = globalThis.cockpit.file(path, { superuser: "require" });
      const saved = await settled(file.replace(text, base?.tag ?? NONE.tag));
      file.close();
      if (!saved.ok) return saved.problem;
      const version = { text, tag: saved.value };
      setBase(version);
      setHosts(version);
      setMine(undefined);
      return undefined;
    },
  };
}
