/** `deno task demo` as a person starts it, only not on a terminal. */
import assert from "node:assert/strict";
import { BUS_NEEDS } from "../../scripts/system_packages.ts";
import { packages, skipAllWithout } from "../lacking.ts";

skipAllWithout(packages(BUS_NEEDS));

interface Demo extends AsyncDisposable {
  readonly process: Deno.ChildProcess;
  /** Its folder for temporary files, empty at the start. */
  readonly folder: string;
  /** Gives what was printed when this text is in it; fails when the demo ends before. */
  until(text: string): Promise<string>;
  ended(): Promise<{ readonly code: number; readonly out: string; readonly err: string }>;
}

async function start(args: readonly string[] = [], env: Record<string, string> = {}): Promise<Demo> {
  const folder = await Deno.makeTempDir({ prefix: "demo-test-" });
  const process = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", "demo/main.ts", ...args],
    env: { TMPDIR: folder, ...env },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const reader = process.stdout.pipeThrough(new TextDecoderStream()).getReader();
  const err = new Response(process.stderr).text();
  let out = "";
  const more = async (): Promise<boolean> => {
    const { done, value } = await reader.read();
    out += value ?? "";
    return !done;
  };
  return {
    process,
    folder,
    until: async (text) => {
      while (!out.includes(text)) {
        if (!await more()) throw new Error(`the demo ended without "${text}": ${out}${await err}`);
      }
      return out;
    },
    ended: async () => {
      while (await more());
      const { code } = await process.status;
      return { code, out, err: await err };
    },
    [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }),
  };
}

async function leftovers(folder: string): Promise<string[]> {
  const found = (await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name);
  for await (const { name } of Deno.readDir("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const line = await Deno.readTextFile(`/proc/${name}/cmdline`);
      if (line.includes(folder)) found.push(line.replaceAll("\0", " "));
    } catch (error) {
      // A process that ended meanwhile.
      if (!(error instanceof Error)) throw error;
    }
  }
  return found;
}

Deno.test("the demo shows discovery, connection, change and reasons, and leaves nothing behind", async () => {
  await using demo = await start();
  const { code, out, err } = await demo.ended();
  assert.equal(code, 0, out + err);
  const statements = [
    /stafd and stacd run/,
    /both discovery controllers are connected and read .*\n {2}alpha was found by mDNS, beta by \/etc\/stas\/stafd\.conf:2\n/,
    /\$ stafctl ls\n {2}DEVICE .*\n {2}nvme\d+ +connected .* 192\.168\.20\.10:8009 +2\b.*\n {2}nvme\d+ +connected .* 192\.168\.10\.10:8009 +2\b/,
    /three of the four I\/O controllers in the log pages are connected/,
    /\$ stacctl ls\n(?: .*\n)*? {2}nvme\d+ +connected .*:archive +nvme\d+n1\b/,
    /payroll is connected: nvme\d+n1 /,
    /archive is gone/,
    /gone: Was disconnected: not in the log page of \(tcp, 192\.168\.10\.10, 8009, .*, generation 3,/s,
    /backup does not answer/,
    /failing: Not connected: .* \(ETIMEDOUT\)/,
    /next +next attempt \(in \d+ s/,
    /stafd is stopped: stacd knows nothing new, so it disconnects nothing/,
    /stafd is back: every connection is the same as before/,
    /\$ stafctl tree\n {2}nvme\d+ tcp 192\.168\.20\.10:8009 on eth1 from 192\.168\.20\.\d+ connected\n {2}\|- nvme nqn\..*:orders\n/,
    /\$ stacctl tree\n(?: .*\n)* {2}nqn\.\S+:orders {2}2 of 2 paths, numa\n {2}\|- nvme\d+ .* on eth\d from \S+ connected\n {2}\|- nvme\d+ .* connected\n {2}`- nvme\d+n1\n/,
    /stacd and stafd are stopped: the connections stay/,
    /\nDone in \d+ s\.\n/,
  ];
  for (const statement of statements) assert.match(out, statement);
  assert.equal(err, "");
  // What is no terminal gets no colours and no signs that it may not know.
  assert.match(out, /^[\n -~]*$/);
  assert.deepEqual(await leftovers(demo.folder), []);
});

Deno.test("the demo ends on Ctrl-C with exit status 130 and leaves nothing behind", async () => {
  await using demo = await start();
  await demo.until("2. Connection");
  demo.process.kill("SIGINT");
  const { code, err } = await demo.ended();
  assert.equal(err, "demo: interrupted; the daemons and their bus end\n");
  assert.equal(code, 130);
  assert.deepEqual(await leftovers(demo.folder), []);
});

Deno.test("a demo that is killed leaves nothing behind either", async () => {
  await using demo = await start();
  await demo.until("1. Discovery");
  demo.process.kill("SIGKILL");
  await demo.ended();
  const end = performance.now() + 10_000;
  while ((await leftovers(demo.folder)).length > 0) {
    assert.ok(performance.now() < end, `still there: ${await leftovers(demo.folder)}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
});

Deno.test("what does not happen within its bound is said, with exit status 1", async () => {
  // Announcements by mDNS alone take longer than that.
  await using demo = await start(["--timeout", "0.05"]);
  const { code, out, err } = await demo.ended();
  assert.equal(code, 1, out);
  assert.match(
    err,
    /^demo: within 0\.05 s it did not happen that (stafd and stacd start|both discovery controllers are connected and read; stafd says:)/,
  );
  assert.deepEqual(await leftovers(demo.folder), []);
});

Deno.test("without dbus-daemon the demo says what to install", async () => {
  await using demo = await start([], { PATH: "/nonexistent" });
  const { code, out, err } = await demo.ended();
  assert.equal(code, 1, out);
  assert.match(err, /^demo: missing: dbus-daemon\. Install /);
  assert.equal(out, "");
});

Deno.test("a wrong argument is a usage error", async () => {
  for (const args of [["--timeout", "soon"], ["--timeout"], ["--faster"], ["extra"]]) {
    await using demo = await start(args);
    const { code, err } = await demo.ended();
    assert.equal(code, 2, err);
    assert.match(err, /^demo: .*(soon|timeout|faster|extra)/);
  }
});

Deno.test("--stay keeps the daemons for the tools, on the bus whose address it prints, until Ctrl-C", async () => {
  await using demo = await start(["--stay"]);
  const address = /export DBUS_SYSTEM_BUS_ADDRESS=(\S+)/.exec(await demo.until("Ctrl-C here ends them"))?.[1];
  assert.ok(address !== undefined);
  const tool = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", "scripts/run_program.ts", "stacctl", "ls"],
    env: { DBUS_SYSTEM_BUS_ADDRESS: address, STAS_OUTPUT: "table" },
  }).output();
  assert.equal(tool.code, 0, new TextDecoder().decode(tool.stderr));
  assert.match(new TextDecoder().decode(tool.stdout), /connected .*:payroll/);
  demo.process.kill("SIGINT");
  const { code, err } = await demo.ended();
  assert.equal(err, "");
  assert.equal(code, 0);
  assert.deepEqual(await leftovers(demo.folder), []);
});
