/** DEC-18: a daemon whose file is malformed ends with 78 and waits for a person; all else may pass, and is tried again. */
import assert from "node:assert/strict";
import { parseStacdConf } from "../../../src/lib/config/stacd_conf.ts";
import { parseStafdConf } from "../../../src/lib/config/stafd_conf.ts";
import type { FileText } from "../../../src/lib/config/sys_conf.ts";
import { runDaemon, type RunPlatform } from "../../../src/lib/daemon/run_daemon.ts";
import { STAC, STAF } from "../../../src/lib/dbus/interfaces.ts";

const NQN = "nqn.2014-08.org.nvmexpress:uuid:1b4e28ba-2fa1-41d2-883f-0016d3cca427";
const GOOD: Files = {
  "/etc/nvme/hostnqn": `${NQN}\n`,
  "/etc/nvme/hostid": "1b4e28ba-2fa1-41d2-883f-0016d3cca427\n",
};

type Files = Readonly<Record<string, string | "unreadable">>;

const unreadable: FileText = { ok: false, why: "unreadable", message: "input/output error" };
const missing: FileText = { ok: false, why: "missing", message: "there is no such file" };

/** Starts both daemons with these files; their exit status, and what they said. Nothing may be built. */
async function refused(
  files: Files,
  args: readonly string[] = [],
): Promise<readonly [status: number, said: string]> {
  const said: string[] = [];
  const platform: RunPlatform = {
    log: { write: ({ message }) => void said.push(message) },
    setTron: () => {},
    clock: { now: () => ({ mono: 0, wall: 0 }), wakeAt: () => () => {} },
    notify: { ready: () => {}, reloading: () => {}, stopping: () => {}, close: () => {} },
    stateFilePath: "",
    startProblem: () => undefined,
    readFile: (path) => {
      const text = files[path] ?? GOOD[path];
      if (text === undefined || text === "missing") return missing;
      return text === "unreadable" ? unreadable : { ok: true, text };
    },
    bus: {
      connect: () => Promise.reject(new Error("goes to the bus although it is refused")),
      after: () => () => {},
      jitter: () => 0,
    },
    signals: { on: () => {}, exit: () => {} },
  };
  const common = {
    what: "",
    open: () => platform,
    libraryVersion: () => "",
    build: () => Promise.reject(new Error("built although it is refused")),
  };
  const stafd = await runDaemon({ ...common, program: "stafd", service: STAF, parse: parseStafdConf }, args);
  const other = Object.entries(files).map(([path, text]) => [path.replace("stafd.conf", "stacd.conf"), text]);
  files = Object.fromEntries(other);
  const stacd = await runDaemon({ ...common, program: "stacd", service: STAC, parse: parseStacdConf }, args);
  assert.equal(stacd, stafd, "the daemons differ");
  return [stafd, said.join("\n")];
}

const MALFORMED: readonly (readonly [what: string, files: Files])[] = [
  ["an option before any section", { "/etc/stas/stafd.conf": "tron = true\n" }],
  ["a line that begins with =", { "/etc/stas/stafd.conf": "[Global]\n= true\n" }],
  ["a security option that cannot be read", { "/etc/stas/stafd.conf": "[Global]\ntls = maybe\n" }],
  ["sys.conf without a section", { "/etc/stas/sys.conf": "nqn = x\n" }],
  ["a host NQN that is none", { "/etc/nvme/hostnqn": "hello\n" }],
  ["an empty host NQN in sys.conf", { "/etc/stas/sys.conf": "[Host]\nnqn =\n" }],
  ["a host NQN that is too long", { "/etc/nvme/hostnqn": `nqn.2014-08.${"x".repeat(300)}\n` }],
  ["malformed beside missing", { "/etc/stas/stafd.conf": "tron = true\n", "/etc/nvme/hostid": "missing" }],
];

const PASSING: readonly (readonly [what: string, files: Files])[] = [
  ["an unreadable stafd.conf", { "/etc/stas/stafd.conf": "unreadable" }],
  ["an unreadable sys.conf", { "/etc/stas/sys.conf": "unreadable" }],
  ["an unreadable host NQN", { "/etc/nvme/hostnqn": "unreadable" }],
  ["a missing host NQN", { "/etc/nvme/hostnqn": "missing" }],
  ["an empty host NQN, as while it is being written", { "/etc/nvme/hostnqn": "" }],
  ["an empty first line", { "/etc/nvme/hostnqn": `\n${NQN}\n` }],
  ["a missing host ID", { "/etc/nvme/hostid": "missing" }],
  ["an unreadable host ID", { "/etc/nvme/hostid": "unreadable" }],
  ["a missing file that sys.conf names", { "/etc/stas/sys.conf": "[Host]\nnqn = file:///srv/nqn\n" }],
  ["an unreadable file that sys.conf names", {
    "/etc/stas/sys.conf": "[Host]\nnqn = file:///srv/nqn\n",
    "/srv/nqn": "unreadable",
  }],
];

Deno.test("a file that was read and is malformed ends the start with 78, and the message says how to go on", async () => {
  for (const [what, files] of MALFORMED) {
    const [status, said] = await refused(files);
    assert.equal(status, 78, `${what}: ${said}`);
    assert.match(said, /malformed.*systemctl start stafd/s, what);
  }
});

Deno.test("a file that is missing, empty or unreadable ends the start with 1: it is tried again", async () => {
  for (const [what, files] of PASSING) {
    const [status, said] = await refused(files);
    assert.equal(status, 1, `${what}: ${said}`);
    assert.match(said, /tries again/, what);
    assert.doesNotMatch(said, /malformed/, what);
  }
});

Deno.test("units: started again for ever with growing pauses, but not with status 78", () => {
  for (const name of ["stafd", "stacd"]) {
    const unit = Deno.readTextFileSync(`systemd/${name}.service`);
    const value = (key: string): string | undefined => new RegExp(`^${key}=(.*)$`, "m").exec(unit)?.[1];
    assert.equal(value("Restart"), "on-failure", name);
    assert.equal(value("RestartPreventExitStatus"), "78", name);
    assert.equal(value("StartLimitIntervalSec"), "0", name);
    assert.equal(value("StartLimitBurst"), undefined, name);
    // systemd applies these two together only, and only if the longest pause is longer than the first.
    assert.ok(Number(value("RestartSteps")) > 0, name);
    assert.ok(parseInt(value("RestartMaxDelaySec") ?? "") > parseInt(value("RestartSec") ?? ""), name);
  }
});

Deno.test("--conn-conf-file: malformed is 78, unreadable is 1, and both files are read together", async () => {
  const main = "/etc/nvme/nvme-stas.conf";
  const args = ["-c", main];
  const [status, said] = await refused({ [main]: "[Host]\n[Host]\n" }, args);
  assert.equal(status, 78, said);
  assert.match(said, /nvme-stas\.conf:2:1: this is the second \[Host\] section.*malformed/s);
  assert.deepEqual((await refused({ [main]: "unreadable" }, args))[0], 1);
  const both = await refused({ [main]: "unreadable", "/etc/stas/stafd.conf": "tron = true\n" }, args);
  assert.equal(both[0], 78);
  assert.match(both[1], /stafd\.conf:1:1.*input\/output error/s);
});
