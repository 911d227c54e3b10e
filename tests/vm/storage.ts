/** Block devices of subsystems in the guest, and whether what is written to them reaches the target. */
import { type Guest, Unmet } from "./guest.ts";
import { SOON } from "./fabric.ts";

const NQN = "nqn.2024-01.io.example";

const LIST = `for b in /sys/block/nvme*n*; do
    [ -e $b/device/subsysnqn ] && [ "$(cat $b/size)" -gt 0 ] && echo "$(cat $b/device/subsysnqn) /dev/\${b##*/}"
done; true`;

function parse(text: string): Map<string, string> {
  return new Map(
    text.split("\n").filter((line) => line !== "").map((line) => {
      const [nqn = "", device = ""] = line.split(" ");
      return [nqn.split(":").at(-1) ?? "", device];
    }),
  );
}

/** Waits for the subsystem's block device and gives back its path. */
export async function untilBlockDevice(guest: Guest, name: string): Promise<string> {
  const devices = parse(
    await guest.until(`a block device for ${name}`, LIST, (out) => parse(out).has(name), SOON),
  );
  const device = devices.get(name);
  if (device === undefined) throw new Unmet(`no block device for ${name}`);
  return device;
}

export async function untilNoBlockDevice(guest: Guest, name: string): Promise<void> {
  await guest.until(`no block device for ${name}`, LIST, (out) => !parse(out).has(name), SOON);
}

/** Writes a megabyte that is nowhere else, reads it back past the cache, and finds it in the target's own file. */
export async function writeAndReadBack(guest: Guest, name: string, device: string): Promise<void> {
  const { stdout, code, stderr } = await guest.attempt(
    `set -e
    head -c 1048576 /dev/urandom >/run/pattern
    dd if=/run/pattern of=${device} bs=64k oflag=direct conv=fsync status=none
    dd if=${device} bs=64k count=16 iflag=direct status=none | cmp - /run/pattern
    cmp -n 1048576 /run/nvmet-lab/ns/${NQN}:${name}.1 /run/pattern
    echo same`,
  );
  if (code !== 0 || stdout !== "same\n") {
    throw new Unmet(`${device} does not keep what is written: ${stdout}${stderr}`);
  }
}
