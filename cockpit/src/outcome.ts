/** The host's answers, as values: none of them is an exception for the page. */
export interface Problem {
  /** `access-denied`, `not-found`, `change-conflict`, `exit`, `unknown`... */
  readonly kind: string;
  readonly text: string;
}

export type Outcome<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly problem: Problem };

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null;

const textOf = (value: unknown): string => typeof value === "string" ? value : "";

/** The problem that a failed channel, process or call reports. */
export function problemOf(failure: unknown): Problem {
  if (!isRecord(failure)) return { kind: "unknown", text: String(failure) };
  const status = failure["exit_status"];
  const kind = textOf(failure["problem"]) ||
    (typeof status === "number" ? "exit" : textOf(failure["name"]) || "unknown");
  return { kind, text: textOf(failure["message"]) || kind };
}

/** Cockpit's promises are older than the language's. */
export function settled<T>(work: PromiseLike<T>): Promise<Outcome<T>> {
  return new Promise((resolve) => {
    work.then(
      (value) => resolve({ ok: true, value }),
      (failure: unknown) => resolve({ ok: false, problem: problemOf(failure) }),
    );
  });
}

export const isDenied = ({ kind }: Problem): boolean =>
  kind === "access-denied" || kind === "authentication-failed" || kind.endsWith(".AccessDenied");
