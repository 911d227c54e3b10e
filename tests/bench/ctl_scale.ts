/**
 * Every command of stacctl, compiled, against stacd with 1,000 paths of 500 subsystems on the simulated host, a tenth of
 * them lost: from its start to its end, as a whole process, stacd's own work included.
 * `deno run -A tests/bench/ctl_scale.ts [--json]`; needs `deno task build`.
 */
import { entryFor } from "../../src/lib/sim/discovery.ts";
import { line, withSite } from "../integration/ctl/site.ts";

const TOOL = "build/bin/stacctl";
const SUBSYSTEMS = 500;
const ROUNDS = 5;

const nqn = (n: number): string => `nqn.1992-08.com.example:array7:finance-lun-${String(n).padStart(4, "0")}`;

const COMMANDS: readonly (readonly string[])[] = [
  ["ls"],
  ["ls", "-o", "table"],
  ["ls", "-o", "json"],
  ["ls", "-o", "json", "--schema", "2"],
  ["ls", "--state", "reconnecting"],
  ["status"],
  ["status", "-o", "table"],
  ["status", "-o", "json"],
  ["tree"],
  ["health"],
  ["doctor"],
  ["explain", nqn(7)],
  ["plan"],
  ["metrics"],
  ["wait", nqn(407), "--for", "connected"],
  ["completion", "names"],
];

export interface CommandResult {
  readonly command: string;
  /** Median over the rounds, in milliseconds, and the slowest. */
  readonly ms: number;
  readonly slowest: number;
  /** What it printed. */
  readonly lines: number;
}

async function timed(args: readonly string[], address: string): Promise<{ ms: number; lines: number }> {
  const begin = performance.now();
  const { code, stdout, stderr } = await new Deno.Command(TOOL, {
    args: [...args],
    env: { DBUS_SYSTEM_BUS_ADDRESS: address },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).output();
  const ms = performance.now() - begin;
  const text = new TextDecoder().decode(stdout);
  // Degraded, and things to be done: both are answers.
  if (![0, 1, 2, 3].includes(code) || (text === "" && args[0] !== "wait")) {
    throw new Error(`${TOOL} ${args.join(" ")}: ${code}: ${new TextDecoder().decode(stderr)}`);
  }
  return { ms, lines: text.split("\n").length - 1 };
}

async function measure(): Promise<readonly CommandResult[]> {
  const results: CommandResult[] = [];
  await withSite(async ({ stage, address }) => {
    const targets = Array.from({ length: SUBSYSTEMS }, (_, n) => [
      stage.subsystem(nqn(n), `10.0.${1 + Math.floor(n / 200)}.${1 + n % 200}`),
      stage.subsystem(nqn(n), `fd01::1:${(n + 1).toString(16)}`),
    ]).flat();
    stage.dc("nqn.dc", "10.0.0.100", targets.map((target) => entryFor(target, "nvme")));
    stage.stafdConf(line("traddr=10.0.0.100"));
    stage.stacdConf("");
    await stage.start(600_000);
    const connected = stage.world.kernel.devices.all.filter(({ state }) => state === "live").length;
    if (connected !== targets.length + 1) {
      throw new Error(`${connected} of ${targets.length + 1} are connected`);
    }
    for (const target of targets.slice(0, targets.length / 10)) stage.world.setManner(target, "silent");
    await stage.run(60_000);
    for (const args of COMMANDS) {
      await timed(args, address);
      const rounds: { ms: number; lines: number }[] = [];
      for (let round = 0; round < ROUNDS; round++) rounds.push(await timed(args, address));
      const sorted = rounds.map(({ ms }) => ms).toSorted((a, b) => a - b);
      results.push({
        command: args.join(" "),
        ms: sorted[Math.floor(sorted.length / 2)] ?? Number.NaN,
        slowest: sorted.at(-1) ?? Number.NaN,
        lines: rounds[0]?.lines ?? 0,
      });
    }
  });
  return results;
}

const results = await measure();
if (Deno.args.includes("--json")) console.log(JSON.stringify(results));
else {
  console.log(`stacctl with ${2 * SUBSYSTEMS} paths, ${ROUNDS} rounds: median, slowest, lines printed`);
  for (const { command, ms, slowest, lines } of results) {
    console.log(
      `${ms.toFixed(0).padStart(6)} ms ${slowest.toFixed(0).padStart(6)} ms ${
        String(lines).padStart(6)
      }  ${command}`,
    );
  }
}
