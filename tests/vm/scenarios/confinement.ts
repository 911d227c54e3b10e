/** Both daemons are the one compiled image, under our units and bus policies, with no memory that is writable and executable. */
import assert from "node:assert/strict";
import { start } from "../fabric.ts";
import type { Guest } from "../guest.ts";
import type { Scenario } from "../scenario.ts";

/** DBUS-50 to DBUS-53: everybody may ask, only root may change a property. */
async function policy(guest: Guest, daemon: "staf" | "stac"): Promise<void> {
  const at = `org.nvmexpress.${daemon} /org/nvmexpress/${daemon}`;
  const tron = `set-property ${at} org.nvmexpress.${daemon}.debug tron b`;
  const nobody = "runuser -u nobody -- busctl --system";
  await guest.run(`${nobody} call ${at} org.nvmexpress.${daemon} list_controllers b false`);
  const denied = await guest.attempt(`${nobody} ${tron} true`);
  assert.notEqual(denied.code, 0, "anybody can set tron");
  assert.match(denied.stderr, /denied|not permitted/i);
  const get = `busctl --system get-property ${at} org.nvmexpress.${daemon}.debug tron`;
  assert.equal(await guest.run(get), "b false\n");
  assert.equal(await guest.run(`busctl --system ${tron} true && ${get}`), "b true\n");
  await guest.run(`busctl --system ${tron} false`);
}

/** What the units ask of systemd 254 and newer; an older one says that it leaves these out. */
const LATER = /: Unknown key '(?:RestartSteps|RestartMaxDelaySec)' in section \[Service\], ignoring\.$/;

/** What the units of stas-config.target write, they write under their confinement, too: the file, and the line that names it. */
async function identityUnits(guest: Guest): Promise<void> {
  const files = "/etc/nvme/hostnqn /etc/nvme/hostid /etc/stas/sys.conf";
  await guest.run(`mkdir -p /run/kept && cp -a ${files} /run/kept/; rm -f ${files}`);
  try {
    await guest.run("systemctl restart stas-config@hostnqn stas-config@hostid");
    assert.match(await guest.run("cat /etc/nvme/hostnqn"), /^nqn\.2014-08\.org\.nvmexpress:uuid:/);
    assert.match(await guest.run("cat /etc/nvme/hostid"), /^[0-9a-f-]{36}$/m);
  } finally {
    await guest.run("cp -a /run/kept/host* /etc/nvme/; cp -a /run/kept/sys.conf /etc/stas/; true");
  }
}

const METRICS = "/var/lib/prometheus/node-exporter";

/** It writes as the owner of a folder that is somebody else's. What is installed here has no metrics: the package adds them. */
async function metrics(guest: Guest): Promise<void> {
  const [unit, script] = [
    "/run/systemd/system/nvme-stas-metrics.service",
    "/usr/lib/nvme-stas/write-metrics",
  ];
  await guest.writeFile(unit, await Deno.readTextFile("packaging/metrics/nvme-stas-metrics.service"));
  await guest.writeFile(script, await Deno.readTextFile("packaging/metrics/write-metrics"));
  await guest.run(`chmod 755 ${script} && mkdir -p ${METRICS} && chown nobody ${METRICS}`);
  await guest.run("systemctl daemon-reload && systemctl start nvme-stas-metrics");
  assert.match(await guest.run(`cat ${METRICS}/stafd.prom`), /^nvme_stas_up\{daemon="stafd"\} 1$/m);
  assert.equal((await guest.run(`stat -c %U ${METRICS}/stacd.prom`)).trim(), "nobody");
}

async function run(guest: Guest): Promise<void> {
  const units = "stafd.service stacd.service stas-config.target stas-config@hostnqn.service";
  const version = Number(/^systemd (\d+)/.exec(await guest.run("systemctl --version"))?.[1]);
  const complaints = (await guest.run(`systemd-analyze verify ${units} 2>&1 || true`)).split("\n")
    .filter((line) =>
      line !== "" && !/\bman\b|Can't show/.test(line) && !(version < 254 && LATER.test(line))
    );
  assert.deepEqual(complaints, []);
  await start(guest, "stafd", "stacd");
  for (const daemon of ["stafd", "stacd"]) {
    const show = async (property: string) =>
      (await guest.run(`systemctl show -P ${property} ${daemon}`)).trim();
    assert.equal(await show("MemoryDenyWriteExecute"), "yes");
    // The same file under either name: Debian 12's systemd looks in /lib first.
    assert.match(
      await show("FragmentPath"),
      new RegExp(`^(?:/usr)?/lib/systemd/system/${daemon}\\.service$`),
    );
    assert.equal(await show("Type"), "notify");
    assert.equal(await show("LimitCORE"), "0", "a core would hold keys");
    const pid = await show("MainPID");
    // /run holds units: write access there is a way out.
    const tried = await guest.run(
      `nsenter -t ${pid} -m -- touch /run/systemd/system/out.service /run/nvme/in 2>&1; ` +
        "ls /run/systemd/system/out.service /run/nvme/in 2>&1; rm -f /run/nvme/in /run/systemd/system/out.service",
    );
    assert.match(tried, /out\.service'?: Read-only file system/, tried);
    assert.match(tried, /^\/run\/nvme\/in$/m, tried);
    assert.equal((await guest.run(`readlink /proc/${pid}/exe`)).trim(), "/usr/lib/nvme-stas/nvme-stas");
    const mappings = await guest.run(`grep -c ' rwx' /proc/${pid}/maps || true`);
    assert.equal(mappings.trim(), "0", `${daemon} has memory that is writable and executable`);
  }
  for (const folder of ["/run/nvme", "/run/nvme/registry", "/run/udev/rules.d"]) {
    assert.equal((await guest.run(`stat -c %a ${folder}`)).trim(), "755", folder);
  }
  await identityUnits(guest);
  await metrics(guest);
  for (const unit of ["stafd", "stacd", "stas-config@hostnqn", "nvme-stas-metrics"]) {
    const said = await guest.run(`systemd-analyze security ${unit}.service --no-pager | tail -1`);
    const exposure = Number(/: (\d+\.\d)/.exec(said)?.[1]);
    assert.ok(exposure <= 2.2, said);
  }
  await policy(guest, "staf");
  await policy(guest, "stac");
}

export const scenario: Scenario = { name: "confinement", ofOurs: true, run };
