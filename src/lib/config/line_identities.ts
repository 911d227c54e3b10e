/**
 * Conflicts between host NQNs and host IDs of lines: the kernel (6.5 and newer) accepts one host ID for one
 * host NQN, and refuses a second.
 */
import type { FindingList } from "./finding.ts";
import type { PlacedLine } from "./duplicate_lines.ts";
import { originText } from "./origin.ts";

/** `undefined`: the system's. */
interface Identity {
  readonly nqn: string | undefined;
  readonly id: string | undefined;
}

export function noteIdentities(lines: readonly PlacedLine[], findings: FindingList): void {
  const before: { readonly identity: Identity; readonly line: PlacedLine["line"] }[] = [];
  for (const { line, at } of lines) {
    const { hostNqn, hostId } = line.fields;
    const identity: Identity = { nqn: hostNqn, id: hostId === "" ? undefined : hostId.toLowerCase() };
    const other = before.find(({ identity: { nqn, id } }) => (nqn === identity.nqn) !== (id === identity.id));
    before.push({ identity, line });
    if (other !== undefined) {
      const what = other.identity.id === identity.id
        ? "host ID, but another host NQN,"
        : "host NQN, but another host ID,";
      findings.add(
        "impossible",
        at,
        `this line has the same ${what} as ${
          originText(other.line.origin)
        }, and the kernel refuses to connect both; give each ` +
          "host-nqn a host-id of its own",
      );
    }
  }
}
