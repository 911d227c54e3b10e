/**
 * Decoding a discovery log of 1,000 and of 10,000 entries, against JSON.parse of the same data in the same run.
 * What is to be seen: the cost of an entry does not grow with their number. `deno run tests/bench/decode.ts [--json]`
 */
import type { DiscoveryLog } from "../../src/lib/nvme/discovery_entry.ts";
import { tidKey } from "../../src/lib/nvme/tid.ts";
import { decodeDiscoveryLog, encodeDiscoveryLog } from "../wire/discovery_log.ts";

export interface DecodeResult {
  readonly name: string;
  readonly entries: number;
  /** Input, in bytes. */
  readonly bytes: number;
  /** Median over the rounds, in microseconds for one entry. */
  readonly perEntry: number;
  /** Fastest and slowest round, likewise. */
  readonly range: readonly [number, number];
}

const ROUNDS = 15;

function log(count: number): DiscoveryLog {
  const entries = Array.from({ length: count }, (_, i) => ({
    trtype: 3,
    adrfam: i % 3 === 0 ? 2 : 1,
    subtype: 2,
    treq: 0,
    portid: i % 65_536,
    cntlid: 65_535,
    asqsz: 32,
    eflags: 0,
    traddr: i % 3 === 0 ? `fd00::${(i % 65_536).toString(16)}` : `10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`,
    trsvcid: "4420",
    subnqn: `nqn.2014-08.org.example:storage:array-${i % 7}:subsystem-${i}`,
    tsas: { kind: "tcp" as const, sectype: "none" as const },
  }));
  return { genctr: BigInt(count), entries };
}

/** Rounds of all subjects by turns, so that what else happens on the machine meets all of them. */
export function measure(counts: readonly number[], rounds = ROUNDS): DecodeResult[] {
  const subjects = counts.flatMap((entries) => {
    const whole = log(entries);
    const page = encodeDiscoveryLog(whole);
    const json = JSON.stringify(whole.entries);
    const tids = whole.entries.map(({ traddr, trsvcid, subnqn }) => ({
      transport: "tcp" as const,
      traddr,
      trsvcid,
      subsysnqn: subnqn,
      hostTraddr: "",
      hostIface: "eth0",
      hostNqn: "nqn.2014-08.org.nvmexpress:uuid:44454c4c-3400-1036-8038-b2c04f313233",
    }));
    /** Each gives the number of entries it came to, which is checked. */
    return [
      {
        name: "decodeDiscoveryLog",
        entries,
        bytes: page.length,
        run: () => {
          const decoded = decodeDiscoveryLog(page);
          return decoded.ok ? decoded.value.entries.length : 0;
        },
      },
      {
        name: "JSON.parse",
        entries,
        bytes: json.length,
        run: () => {
          const parsed: unknown = JSON.parse(json);
          return Array.isArray(parsed) ? parsed.length : 0;
        },
      },
      { name: "tidKey", entries, bytes: 0, run: () => new Set(tids.map(tidKey)).size },
    ];
  });
  const times = subjects.map((): number[] => []);
  for (let round = -2; round < rounds; round++) {
    for (const [i, { entries, run }] of subjects.entries()) {
      const start = performance.now();
      const count = run();
      const perEntry = (performance.now() - start) * 1000 / entries;
      if (count !== entries) throw new Error(`${count} entries instead of ${entries}`);
      if (round >= 0) times[i]?.push(perEntry);
    }
  }
  return subjects.map(({ name, entries, bytes }, i) => {
    const sorted = (times[i] ?? []).sort((a, b) => a - b);
    const at = (place: number) => sorted[place] ?? NaN;
    return { name, entries, bytes, perEntry: at(rounds >> 1), range: [at(0), at(rounds - 1)] };
  });
}

/** The results as a table, and the growth of the cost of an entry from the smallest count to the largest. */
export function report(results: readonly DecodeResult[]): string {
  const lines = results.map(({ name, entries, bytes, perEntry, range: [low, high] }) =>
    `${name.padEnd(20)}${String(entries).padStart(8)}${String(bytes).padStart(12)}` +
    `${perEntry.toFixed(3).padStart(10)}${`${low.toFixed(3)} - ${high.toFixed(3)}`.padStart(20)}`
  );
  const growth = [...new Set(results.map(({ name }) => name))].map((name) => {
    const own = results.filter((result) => result.name === name);
    const [small, large] = [own[0]?.perEntry ?? NaN, own.at(-1)?.perEntry ?? NaN];
    return `${name}: an entry of the largest page costs ${
      (large / small).toFixed(2)
    } times one of the smallest`;
  });
  const head = `${"".padEnd(20)} entries       bytes  us/entry       fastest - slowest`;
  return [head, ...lines, "", ...growth].join("\n");
}

if (import.meta.main) {
  const results = measure([1_000, 10_000]);
  console.log(Deno.args.includes("--json") ? JSON.stringify(results) : report(results));
}
