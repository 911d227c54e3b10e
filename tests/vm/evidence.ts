/** What helps to understand a failure in the guest. */
import type { Guest } from "./guest.ts";

const LOGS = "build/vm-logs";
/** How much of it is printed; the file has all of it. */
const SHOWN_LINES = 150;

/** The daemons' journal, the kernel's messages, the fabric; `since` in seconds since 1970, for the machine's whole life "0". */
async function evidence(guest: Guest, since: string): Promise<string> {
  const commands = [
    "systemctl status --no-pager -n 0 stafd stacd",
    "grep . /sys/class/nvme/nvme*/state /sys/class/nvme/nvme*/subsysnqn /sys/class/nvme/nvme*/address",
    "nvmet-lab status",
    `journalctl --no-pager -o short-monotonic --since=@${since} -k | tail -n 100`,
    `journalctl --no-pager -o short-monotonic --since=@${since} -u stafd -u stacd -u 'stas-config*' -u lab-mdns`,
  ];
  let text = "";
  for (const command of commands) {
    const { stdout, stderr } = await guest.attempt(command);
    text += `$ ${command}\n${stdout}${stderr}\n`;
  }
  return text;
}

/** Keeps the evidence in a file named after the scenario, and prints its last lines. */
export async function tellEvidence(guest: Guest, scenario: string, since: string): Promise<void> {
  const text = await evidence(guest, since);
  await Deno.mkdir(LOGS, { recursive: true });
  const file = `${LOGS}/${scenario.replaceAll(/\W+/g, "-")}.log`;
  await Deno.writeTextFile(file, text);
  console.log(`(the last lines of ${file})`);
  console.log(text.split("\n").slice(-SHOWN_LINES).join("\n"));
}
