/**
 * Two machines for mDNS: network namespaces joined by a cable, each with a dbus-daemon and an avahi-daemon of its own.
 */
import { AVAHI_NEEDS } from "../../../scripts/system_packages.ts";
import { packages, skipAllWithout } from "../../lacking.ts";
import { testNetwork } from "./namespace.ts";

skipAllWithout(packages(AVAHI_NEEDS));

export interface Publication {
  /** Says goodbye, as a program that ends. */
  withdraw(): Promise<void>;
}

export interface AvahiWorld {
  /** Address of the near machine's bus: a socket, so it works from the outside of its namespace too. */
  readonly bus: string;
  readonly near: string;
  readonly ip: (...args: string[]) => Promise<void>;
  startNear(): Promise<void>;
  stopNear(): Promise<void>;
  /** From now on the near bus starts its Avahi when somebody calls it; it ends with the bus. */
  makeActivatable(): Promise<void>;
  /** The near bus dies, with all connections. */
  killBus(): Promise<void>;
  startBus(): Promise<void>;
  publish(name: string, stype: string, port: number, txt: readonly string[]): Promise<Publication>;
  [Symbol.asyncDispose](): Promise<void>;
}

const BUS_CONF = (folder: string): string =>
  `<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:path=${folder}/bus</listen>
  <auth>EXTERNAL</auth>
  <servicedir>${folder}/services</servicedir>
  <policy context="default">
    <allow user="*"/>
    <allow own="*"/>
    <allow send_destination="*"/>
    <allow receive_sender="*"/>
  </policy>
</busconfig>
`;

const AVAHI_CONF = `[server]
host-name=HOST
use-ipv4=yes
use-ipv6=no
allow-interfaces=IFACE
ratelimit-interval-usec=1000000
ratelimit-burst=1000
[wide-area]
enable-wide-area=no
[publish]
publish-hinfo=no
publish-workstation=no
`;

interface Machine {
  readonly namespace: string;
  readonly folder: string;
  readonly bus: string;
  avahi: Deno.ChildProcess | undefined;
  dbus: Deno.ChildProcess | undefined;
}

async function spawnUntil(
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  ready: RegExp,
): Promise<Deno.ChildProcess> {
  const child = new Deno.Command("sh", {
    args: ["-c", 'exec "$@" 2>&1', "sh", ...args],
    env,
    stdin: "null",
    stdout: "piped",
    stderr: "null",
  }).spawn();
  let seen = "";
  const outcome = Promise.withResolvers<Deno.ChildProcess>();
  void (async () => {
    // To the end, because a full pipe would stop the program.
    for await (const chunk of child.stdout.pipeThrough(new TextDecoderStream())) {
      seen = (seen + chunk).slice(-65536);
      if (ready.test(seen)) outcome.resolve(child);
    }
    outcome.reject(new Error(`${args.join(" ")} ended: ${seen}`));
  })();
  return await outcome.promise;
}

async function end(child: Deno.ChildProcess | undefined, signal: Deno.Signal = "SIGTERM"): Promise<void> {
  if (child === undefined) return;
  child.kill(signal);
  await child.status;
}

async function machine(namespace: string, folder: string): Promise<Machine> {
  await Deno.mkdir(`${folder}/services`, { recursive: true });
  await Deno.writeTextFile(`${folder}/bus.conf`, BUS_CONF(folder));
  return {
    namespace,
    folder,
    bus: `unix:path=${folder}/bus`,
    avahi: undefined,
    dbus: await startBus(folder),
  };
}

const startBus = (folder: string): Promise<Deno.ChildProcess> =>
  spawnUntil(
    ["dbus-daemon", `--config-file=${folder}/bus.conf`, "--nofork", "--nopidfile", "--print-address=1"],
    {},
    /unix:path/,
  );

/** In a mount namespace of its own, because the path of Avahi's run folder cannot be chosen. */
async function writeAvahi(on: Machine, host: string, iface: string): Promise<void> {
  const conf = `${on.folder}/avahi.conf`;
  await Deno.writeTextFile(conf, AVAHI_CONF.replace("HOST", host).replace("IFACE", iface));
  await Deno.writeTextFile(
    `${on.folder}/avahi.sh`,
    `export DBUS_SYSTEM_BUS_ADDRESS=${on.bus}
exec ip netns exec ${on.namespace} sh -c 'mount -t tmpfs tmpfs /run && mkdir /run/avahi-daemon &&
  exec avahi-daemon -f ${conf} --no-drop-root --no-chroot --no-rlimits --no-proc-title' 2>&1
`,
  );
}

async function startAvahi(on: Machine): Promise<void> {
  on.avahi = await spawnUntil(["sh", `${on.folder}/avahi.sh`], {}, /Server startup complete/);
}

async function stopAvahi(on: Machine): Promise<void> {
  const child = on.avahi;
  on.avahi = undefined;
  await end(child);
}

export async function avahiWorld(): Promise<AvahiWorld> {
  const network = await testNetwork();
  const folder = await Deno.makeTempDir({ prefix: "stas-avahi-" });
  const near = await machine(network.near, `${folder}/near`);
  const far = await machine(network.far, `${folder}/far`);
  await writeAvahi(near, "host", "near0");
  await writeAvahi(far, "fabric", "far0");
  await startAvahi(far);
  const published = new Set<Deno.ChildProcess>();
  return {
    bus: near.bus,
    near: network.near,
    ip: network.ip,
    startNear: () => startAvahi(near),
    stopNear: () => stopAvahi(near),
    makeActivatable: async () => {
      await Deno.writeTextFile(
        `${near.folder}/services/org.freedesktop.Avahi.service`,
        `[D-BUS Service]\nName=org.freedesktop.Avahi\nExec=/bin/sh ${near.folder}/avahi.sh\n`,
      );
      near.dbus?.kill("SIGHUP");
    },
    killBus: async () => {
      await stopAvahi(near);
      await end(near.dbus, "SIGKILL");
      near.dbus = undefined;
      await Deno.remove(`${near.folder}/bus`);
    },
    startBus: async () => {
      near.dbus = await startBus(near.folder);
    },
    publish: async (name, stype, port, txt) => {
      const child = await spawnUntil(
        ["avahi-publish", "-s", name, stype, String(port), ...txt],
        { DBUS_SYSTEM_BUS_ADDRESS: far.bus },
        /Established under name/,
      );
      published.add(child);
      return {
        withdraw: async () => {
          published.delete(child);
          await end(child);
        },
      };
    },
    [Symbol.asyncDispose]: async () => {
      for (const child of published) await end(child);
      await stopAvahi(near);
      await stopAvahi(far);
      await end(near.dbus);
      await end(far.dbus);
      await network[Symbol.asyncDispose]();
      await Deno.remove(folder, { recursive: true });
    },
  };
}
