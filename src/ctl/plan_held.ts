/** Of the connections that a plan withdraws, those that stay: whatever counts losses leaves them out. */

export const KEEPS_ALL = "disconnect-scope = no-disconnect: stacd keeps all of them connected";

interface Withdrawn {
  readonly paths: readonly { readonly device: string }[];
  readonly policy: string | null;
}

/** Devices of paths that stay connected; `inUse` are the namespaces for which paths are held. */
export function staying(
  { paths, policy }: Withdrawn,
  inUse: readonly { readonly by: readonly string[] }[],
): ReadonlySet<string> {
  if (policy === KEEPS_ALL) return new Set(paths.map(({ device }) => device));
  // Any other policy disconnects what is in use, or may.
  return new Set(policy === null ? inUse.flatMap(({ by }) => by) : []);
}
