/**
 * From the start of `stafctl ls` to its end, as a whole process, beside a client in Python (dasbus, the library that the
 * original's tools use) that makes the same call and prints what it gets. The original's own stafctl reads its
 * configuration and more besides; it is measured in the virtual machine (vm).
 * `deno run -A tests/bench/ctl_start.ts [--json]`; needs `deno task build` and the package python3-dasbus.
 */
import { openBus } from "../../demo/bus.ts";
import { Bus } from "../../src/lib/dbus/bus.ts";
import { STAF } from "../../src/lib/dbus/interfaces.ts";
import { serveStaf } from "../../src/lib/dbus/server.ts";
import { stafHandlers } from "../integration/dbus/fake_daemons.ts";

export interface StartResult {
  readonly name: string;
  readonly rounds: number;
  /** Median over the rounds, in milliseconds. */
  readonly ms: number;
  /** Fastest and slowest round, likewise. */
  readonly range: readonly [number, number];
}

const ROUNDS = 15;
const CONTROLLERS = 20;
const TOOL = "build/bin/stafctl";
/** The distribution's, for which its packages are. */
const INTERPRETER = "/usr/bin/python3";
const PYTHON = `
from dasbus.connection import SystemMessageBus
proxy = SystemMessageBus().get_proxy("${STAF.name}", "${STAF.path}", interface_name="${STAF.name}")
print(proxy.list_controllers(False))
`;

const SUBJECTS: readonly (readonly [name: string, command: readonly string[]])[] = [
  ["stafctl ls, compiled", [TOOL, "ls"]],
  ["the same call by dasbus in Python", [INTERPRETER, "-c", PYTHON]],
];

/** Exit status 0 and something printed; milliseconds. */
async function timed([program = "", ...args]: readonly string[], address: string): Promise<number> {
  const begin = performance.now();
  const ended = await new Deno.Command(program, {
    args,
    env: { DBUS_SYSTEM_BUS_ADDRESS: address },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).output();
  const ms = performance.now() - begin;
  const out = new TextDecoder().decode(ended.stdout);
  if (!ended.success || out.split("10.0.0.").length !== CONTROLLERS + 1) {
    throw new Error(`${program} ${args[0]}: ${out}${new TextDecoder().decode(ended.stderr)}`);
  }
  return ms;
}

/** Rounds of both by turns, so that what else happens on the machine meets both. */
export async function measure(address: string, rounds = ROUNDS): Promise<readonly StartResult[]> {
  const times = SUBJECTS.map((): number[] => []);
  // The first of each is for the page cache.
  for (const [, command] of SUBJECTS) await timed(command, address);
  for (let round = 0; round < rounds; round++) {
    for (const [n, [, command]] of SUBJECTS.entries()) times[n]?.push(await timed(command, address));
  }
  return SUBJECTS.map(([name], n) => {
    const sorted = (times[n] ?? []).toSorted((a, b) => a - b);
    const ms = sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
    return { name, rounds, ms, range: [sorted[0] ?? Number.NaN, sorted.at(-1) ?? Number.NaN] };
  });
}

async function missing(): Promise<string | undefined> {
  try {
    await Deno.stat(TOOL);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    return `${TOOL} does not exist: deno task build`;
  }
  const imported = await new Deno.Command(INTERPRETER, { args: ["-c", "import dasbus.connection"] }).output()
    .catch((error: unknown) => {
      if (error instanceof Deno.errors.NotFound) return undefined;
      throw error;
    });
  return imported?.success === true
    ? undefined
    : "dasbus for Python is not installed: apt-get install python3-dasbus";
}

async function main(): Promise<number> {
  const lack = await missing();
  if (lack !== undefined) {
    console.error(`ctl_start: not measured. ${lack}`);
    return 1;
  }
  const own = await openBus();
  try {
    const connected = await Bus.connect(own.address);
    if (!connected.ok) throw new Error(connected.error.message);
    serveStaf(
      connected.bus,
      stafHandlers({
        listControllers: () =>
          Array.from({ length: CONTROLLERS }, (_, n) => ({
            transport: "tcp",
            traddr: `10.0.0.${n + 1}`,
            trsvcid: "8009",
            subsysnqn: "nqn.2014-08.org.nvmexpress.discovery",
            device: `nvme${n}`,
          })),
      }),
    );
    const named = await connected.bus.requestName(STAF.name);
    if (!named.ok) throw new Error(named.error.message);
    const results = await measure(own.address);
    connected.bus.close();
    if (Deno.args.includes("--json")) {
      console.log(JSON.stringify(results));
      return 0;
    }
    for (const { name, ms, range: [fastest, slowest] } of results) {
      console.log(`${name}: ${ms.toFixed(0)} ms (${fastest.toFixed(0)} to ${slowest.toFixed(0)})`);
    }
    const [ours, python] = results;
    if (ours !== undefined && python !== undefined) {
      console.log(`ratio: ${(ours.ms / python.ms).toFixed(2)} of Python's time (below 1: faster)`);
    }
    return 0;
  } finally {
    await own.close();
  }
}

if (import.meta.main) Deno.exit(await main());
