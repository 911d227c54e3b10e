/** A dbus-daemon of the demo's own, on a socket that only this user can reach. */
import { DemoFailure } from "./failure.ts";

export interface PrivateBus {
  readonly address: string;
  /** Ends the bus and removes its folder. */
  close(): Promise<void>;
}

/** Whoever can open the socket may own and call anything; unless it is for all users, the folder keeps others out. */
const config = (address: string, isForAll: boolean): string =>
  `<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>${address}</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">${isForAll ? '\n    <allow user="*"/>' : ""}
    <allow send_destination="*"/>
    <allow receive_sender="*"/>
    <allow own="*"/>
  </policy>
</busconfig>
`;

/**
 * Ends the bus when its standard input ends, which it does however the demo ends, and cleans up behind both. It closes
 * its own output, so that what reads it sees the bus's end.
 */
const KEEPER = `
dbus-daemon --config-file="$1/bus.conf" --nofork --nopidfile --print-address=1 &
bus=$!
exec >&- 2>&-
read -r _
kill "$bus"
wait "$bus"
rm -rf "$1"
`;

export async function openBus(
  { isForAll = false }: { readonly isForAll?: boolean } = {},
): Promise<PrivateBus> {
  const folder = await Deno.makeTempDir({ prefix: "nvme-stas-demo-" });
  const address = `unix:path=${folder}/bus`;
  await Deno.writeTextFile(`${folder}/bus.conf`, config(address, isForAll));
  if (isForAll) await Deno.chmod(folder, 0o755);
  const keeper = new Deno.Command("sh", {
    args: ["-c", KEEPER, "sh", folder],
    // A Ctrl-C is for the demo; it ends the bus when it has done its work.
    detached: true,
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const close = async (): Promise<void> => {
    await keeper.stdin.close();
    await keeper.status;
  };
  // Read to the end: dbus-daemon dies of a warning that nobody takes.
  const said = new Response(keeper.stderr).text();
  // It prints its address when it listens.
  const reader = keeper.stdout.getReader();
  const first = await reader.read();
  await reader.cancel();
  if (first.done) {
    await close();
    throw new DemoFailure(
      `the private bus does not start: ${(await said).trim() || "dbus-daemon ended at once"}`,
    );
  }
  return { address, close };
}
