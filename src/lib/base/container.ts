/** Is this a container? Podman, Docker and systemd-nspawn leave marks in theirs. */

const MARKS: readonly (readonly [path: string, what: string])[] = [
  ["/run/.containerenv", "podman"],
  ["/.dockerenv", "Docker"],
];

/** The program that made it, or `a container` when it does not say; undefined outside of one. */
export function containerOf(
  exists: (path: string) => boolean,
  env: (name: string) => string | undefined,
): string | undefined {
  const named = MARKS.find(([path]) => exists(path))?.[1];
  if (named !== undefined) return named;
  const word = env("container") ?? "";
  return word !== "" || exists("/run/systemd/container") ? word || "a container" : undefined;
}
