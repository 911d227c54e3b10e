/** `deno task bench vm`: the compiled daemons in the virtual machine, beside the bare kernel and the original. */
import { build } from "../../../scripts/build.ts";
import { hostTarget } from "../../../scripts/denort.ts";
import { passThrough, runScript } from "../../../scripts/run.ts";
import { stage } from "../../../scripts/stage.ts";
import { providePackages, VM_NEEDS } from "../../../scripts/system_packages.ts";
import { taskArguments, usageError } from "../../../scripts/task_arguments.ts";
import { Guest } from "../../vm/guest.ts";
import { MACHINE_RESULT } from "../page/results.ts";
import { parseBench, report, type Round } from "./report.ts";

const PAYLOAD = "build/bench-vm";

async function prepared(machine: string): Promise<Guest> {
  await providePackages(VM_NEEDS);
  if (!await passThrough(["tests/vm/bed/build", "peer"])) throw new Error("the image could not be built");
  await Deno.mkdir(PAYLOAD, { recursive: true });
  await stage(await build(hostTarget(), "build"), `${PAYLOAD}/root`);
  return await Guest.boot("peer", PAYLOAD, machine);
}

type Who = "ours" | "peer" | "bare";

/** The measurements, and how lab-bench is asked for them. */
const ASKED = {
  bare: "bare",
  start: "start",
  aen: "aen",
  "stafd-start": "start --stafd",
  "stafd-aen": "aen --stafd",
} as const;
type Verb = keyof typeof ASKED;

async function measure(guest: Guest, who: Who, verb: Verb, subs: number, runs: number): Promise<Round[]> {
  // Longer than one command may take: started there, waited for here.
  await guest.run(
    `rm -f /run/bench.json; systemd-run --quiet --collect --unit=bench -p StandardOutput=truncate:/run/bench.json ` +
      `lab-bench ${ASKED[verb]} --subs ${subs} --runs ${runs}`,
  );
  await guest.until(
    "the measurement ends",
    "systemctl is-active bench; true",
    (out) => out.trim() !== "active",
    {
      seconds: 1800,
    },
  );
  const turns = parseBench(await guest.run("cat /run/bench.json"), verb);
  for (const numbers of turns) console.log(`${who} ${verb} ${subs}: ${JSON.stringify(numbers)}`);
  return turns.map((numbers) => ({ who, verb, subs, numbers }));
}

const USAGE =
  `usage: deno task bench vm -- [--subs N,N...] [--runs N] [--aen N] [--stafd N] [--no-peer] [--reuse]

How long the compiled daemons take in the virtual machine, from their start to all connected and from a
notification to its connection, and what they cost; beside the kernel alone (writes to /dev/nvme-fabrics) and the
Python original, in turns within one boot. Absolute times say more of the emulation and of the machine's other
work than of the program: read the ratios.

  --subs N,N...  numbers of subsystems (default: 3,50,200)
  --runs N       turns of each (default: 2)
  --aen N        notifications (default: 5)
  --stafd N     turns of stafd alone, before the rest: to its first log page, and from a notification to its
                 signal (default: 0). With --subs 0 nothing else is measured
  --no-peer      without the original
  --reuse        use the machine VMBED_NAME (default: bench) that runs already, image "peer" with ours in
                 /payload/root; with --no-peer, with what is installed there
`;

async function main(): Promise<boolean> {
  const { values } = taskArguments(USAGE, {
    options: {
      subs: { type: "string", default: "3,50,200" },
      runs: { type: "string", default: "2" },
      aen: { type: "string", default: "5" },
      stafd: { type: "string", default: "0" },
      "no-peer": { type: "boolean", default: false },
      reuse: { type: "boolean", default: false },
    },
  });
  const sizes = values.subs.split(",").map(Number).filter((size) => size !== 0);
  const [runs, notifications, stafd] = [Number(values.runs), Number(values.aen), Number(values.stafd)];
  if (![...sizes, runs, notifications, stafd].every(Number.isInteger)) {
    usageError(USAGE, "--subs, --runs, --aen and --stafd take whole numbers");
  }
  const daemons: readonly Who[] = values["no-peer"] ? ["ours"] : ["ours", "peer"];
  const machine = Deno.env.get("VMBED_NAME") ?? "bench";
  const guest = values.reuse ? Guest.running(machine) : await prepared(machine);
  const install = async (who: Who): Promise<void> => {
    // Alone and on a machine that runs already, it measures what is installed.
    if (who !== "bare" && !(values.reuse && values["no-peer"])) await guest.run(`lab-install ${who}`);
  };
  const rounds: Round[] = [];
  try {
    for (let turn = 0; turn < stafd; turn++) {
      for (const who of daemons) {
        await install(who);
        for (const verb of ["stafd-start", "stafd-aen"] as const) {
          rounds.push(...await measure(guest, who, verb, 3, verb === "stafd-aen" ? 3 : 1));
        }
      }
    }
    if (sizes.length > 0 && notifications > 0) {
      for (const who of daemons) {
        await install(who);
        rounds.push(...await measure(guest, who, "aen", 3, notifications));
      }
    }
    for (const subs of sizes) {
      for (let run = 0; run < runs; run++) {
        for (const who of ["bare", ...daemons] as const) {
          const verb = who === "bare" ? "bare" : "start";
          await install(who);
          rounds.push(...await measure(guest, who, verb, subs, 1));
        }
      }
    }
  } finally {
    if (rounds.length > 0) {
      await Deno.mkdir("build", { recursive: true });
      await Deno.writeTextFile(MACHINE_RESULT, JSON.stringify(rounds, undefined, 1));
      console.log(report(rounds));
    }
    if (!values.reuse) await guest.stop();
  }
  return true;
}

if (import.meta.main) await runScript("bench vm", main);
