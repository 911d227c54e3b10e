/** The state of units, as `systemctl show` prints it. */

export interface UnitState {
  readonly isInstalled: boolean;
  /** `active`, `inactive`, `failed`, `activating`... */
  readonly active: string;
  /** `running`, `dead`... */
  readonly sub: string;
  /** `enabled`, `disabled`, `static`, `masked`... */
  readonly file: string;
  readonly text: string;
}

/** What `systemctl show` prints: blocks of NAME=VALUE, in the order asked for. */
export function parseUnits(text: string): ReadonlyMap<string, UnitState> {
  const blocks = text.split(/\n\n+/).map((block) =>
    new Map(
      block.split("\n").map((line): [string, string] => {
        const at = line.indexOf("=");
        return [line.slice(0, at), line.slice(at + 1)];
      }),
    )
  );
  return new Map(
    blocks.flatMap((block): [string, UnitState][] => {
      const id = block.get("Id");
      if (id === undefined) return [];
      return [[id.replace(/\.service$/, ""), {
        isInstalled: block.get("LoadState") !== "not-found",
        active: block.get("ActiveState") ?? "",
        sub: block.get("SubState") ?? "",
        file: block.get("UnitFileState") ?? "",
        text: block.get("StatusText") ?? "",
      }]];
    }),
  );
}
