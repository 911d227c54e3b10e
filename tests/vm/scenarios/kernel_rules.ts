/** The rules by which the kernel refuses a connect: the simulated kernel has the same ones as this machine's. */
import assert from "node:assert/strict";
import { encodeConnect } from "../../../src/lib/nvme/fabrics_options.ts";
import { Release } from "../../../src/lib/sim/release.ts";
import { SOON } from "../fabric.ts";
import { type Guest, Unmet } from "../guest.ts";
import { type Answer, type Question, QUESTIONS, simulated } from "../kernel_questions.ts";
import type { Scenario } from "../scenario.ts";

/** As the C library calls them. */
const ERRORS: ReadonlyMap<string, string> = new Map([
  ["Operation already in progress", "EALREADY"],
  ["Invalid argument", "EINVAL"],
  ["Connection refused", "ECONNREFUSED"],
  ["No such device", "ENODEV"],
  ["Cannot assign requested address", "EADDRNOTAVAIL"],
  ["Input/output error", "EIO"],
  ["Connection timed out", "ETIMEDOUT"],
]);

/** Writes what the product writes, and says what came of it. */
async function asked(guest: Guest, { writes }: Question, release: Release): Promise<readonly Answer[]> {
  const texts = writes.map((request) => {
    const encoded = encodeConnect(request, release.support);
    if (!encoded.ok) throw new Unmet(encoded.failure.message);
    return encoded.text;
  });
  const commands = texts.map((text) =>
    `printf %s '${text}' | LC_ALL=C tee /dev/nvme-fabrics 2>&1 >/dev/null && echo connected`
  );
  const out = await guest.run(`${commands.join("\n")}\ntrue`);
  return out.split("\n").filter((line) => line !== "").map((line) =>
    line === "connected" ? line : ERRORS.get(line.split(": ").at(-1) ?? "") ?? line
  );
}

async function run(guest: Guest): Promise<void> {
  await guest.run("nvmet-lab up 1 && modprobe nvme-fabrics");
  const release = new Release(/^\d+\.\d+/.exec(await guest.run("uname -r"))?.[0] ?? "");
  const real: Record<string, readonly Answer[]> = {};
  const ours: Record<string, readonly Answer[]> = {};
  for (const question of QUESTIONS) {
    real[question.name] = await asked(guest, question, release);
    ours[question.name] = await simulated(question, release);
    await guest.run("nvme disconnect-all");
    const left = "ls -d /sys/class/nvme/nvme* 2>/dev/null; true";
    await guest.until("nothing is connected", left, (out) => out === "", SOON);
  }
  assert.deepEqual(ours, real, "the simulated kernel against the real one");
}

export const scenarios: readonly Scenario[] = [
  { name: "kernel: the rules of its connects, as the simulation has them", slow: true, run },
];
