/** A real dbus-daemon on a socket of its own, for tests. */
import assert from "node:assert/strict";
import { BUS_NEEDS } from "../../../scripts/system_packages.ts";
import { packages, skipAllWithout } from "../../lacking.ts";

skipAllWithout(packages(BUS_NEEDS));

export interface PrivateBus {
  readonly address: string;
  /** Ends the bus daemon as a crash would. */
  kill(): Promise<void>;
  /** Starts it again on the same address. */
  start(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

const OPEN = `<policy context="default">
    <allow user="*"/>
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>`;

/** The default policy of a system bus: calls and names are denied where no file allows them. */
const SYSTEM = `<policy context="default">
    <allow user="*"/>
    <deny own="*"/>
    <deny send_type="method_call"/>
    <allow send_type="signal"/>
    <allow send_requested_reply="true" send_type="method_return"/>
    <allow send_requested_reply="true" send_type="error"/>
    <allow receive_type="method_call"/>
    <allow receive_type="method_return"/>
    <allow receive_type="error"/>
    <allow receive_type="signal"/>
    <allow send_destination="org.freedesktop.DBus" send_interface="org.freedesktop.DBus"/>
    <allow send_destination="org.freedesktop.DBus" send_interface="org.freedesktop.DBus.Introspectable"/>
    <allow send_destination="org.freedesktop.DBus" send_interface="org.freedesktop.DBus.Properties"/>
  </policy>`;

/** On an `open` bus everybody may do everything, but what `rules` (policy XML) takes away. */
export async function privateBus(rules = "", kind: "open" | "system" = "open"): Promise<PrivateBus> {
  const dir = await Deno.makeTempDir({ prefix: "stas-bus-" });
  await Deno.chmod(dir, 0o755);
  const address = `unix:path=${dir}/socket`;
  await Deno.writeTextFile(
    `${dir}/bus.conf`,
    `<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>${kind === "open" ? "session" : "system"}</type>
  <listen>${address}</listen>
  <auth>EXTERNAL</auth>
  ${kind === "open" ? OPEN : SYSTEM}
  ${rules}
</busconfig>
`,
  );
  let daemon: Deno.ChildProcess | undefined;
  const start = async (): Promise<void> => {
    const child = new Deno.Command("dbus-daemon", {
      args: [`--config-file=${dir}/bus.conf`, "--nofork", "--nopidfile", "--print-address=1"],
      stdin: "null",
      stdout: "piped",
      stderr: "null",
    }).spawn();
    daemon = child;
    // It prints its address when it listens.
    const reader = child.stdout.getReader();
    const first = await reader.read();
    assert.ok(!first.done, "dbus-daemon ended at once");
    await reader.cancel();
  };
  const kill = async (): Promise<void> => {
    if (daemon === undefined) return;
    const child = daemon;
    daemon = undefined;
    child.kill("SIGKILL");
    await child.status;
    await Deno.remove(`${dir}/socket`);
  };
  await start();
  return {
    address,
    kill,
    start,
    [Symbol.asyncDispose]: async () => {
      await kill();
      await Deno.remove(dir, { recursive: true });
    },
  };
}
