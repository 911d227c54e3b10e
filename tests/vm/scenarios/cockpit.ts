/**
 * The packages on a Debian with Cockpit, and people who use the page from another machine's browser: they log in, turn
 * administrative access on, configure, start, watch and stop real daemons with real connections. Then one who may not.
 */
import assert from "node:assert/strict";
import { openBrowser } from "../../cockpit/browser.ts";
import { Shell } from "../cockpit_shell.ts";
import { nqnOf, ONE, stacdConf } from "../stacd.ts";
import { nothingChanges, untilConnected } from "../fabric.ts";
import { confOf } from "../stafd.ts";
import type { Guest } from "../guest.ts";
import type { Scenario } from "../scenario.ts";
import { untilBlockDevice } from "../storage.ts";

/** Where cockpit.socket listens. */
export const PORT = 9090;

/** Of Debian's group sudo, and of none. */
const ADMIN = "ada";
const READER = "rita";
const PASSWORD = "Analytical-1843";

/** Port 5 of the array, on the other interface. */
const OTHER = "198.51.100.11";
const STAFD_CONF = confOf([ONE, OTHER].map((traddr) => `transport=tcp;traddr=${traddr};trsvcid=8009`));
const EXCLUDES = ["sub-001", "sub-002"].map((name) => `nqn=${nqnOf(name)}`);
const STACD_CONF = stacdConf({ excludes: EXCLUDES });

/** What a user reads who is neither of Debian's group systemd-journal nor has administrative access. */
const UNREAD = "needs administrative access to read these lines";

const OWNED = "stat -c '%U:%G %a' /etc/stas/stafd.conf /etc/stas/stacd.conf";

async function install(guest: Guest): Promise<void> {
  // What the image leaves out to boot fast, and a login needs.
  await guest.run("systemctl -q unmask systemd-logind systemd-hostnamed && systemctl start systemd-logind");
  await guest.run("DEBIAN_FRONTEND=noninteractive dpkg -i /payload/new.deb /payload/page.deb");
  await guest.run(`useradd -m -s /bin/bash -G sudo ${ADMIN} && useradd -m -s /bin/bash ${READER}`);
  await guest.run(`printf '%s\\n' ${ADMIN}:${PASSWORD} ${READER}:${PASSWORD} | chpasswd`);
  await guest.run("systemctl start cockpit.socket && systemctl is-active cockpit.socket");
  await guest.run(`nvmet-lab up 2 && nvmet-lab port-add 5 ${OTHER} && nvmet-lab link sub-001 5`);
}

/** Before a password is given again, the page changes nothing; with it, an edit begun before is saved. */
async function configureStafd(guest: Guest, shell: Shell): Promise<void> {
  const { ours } = shell;
  const owned = await guest.run(OWNED);
  await ours.see("stacd is not running", "stafd is not running");
  await shell.picture("nothing-runs");
  await ours.click("button", "Start stafd");
  await ours.see("Start stafd: not done", "This needs administrative access");
  await ours.click("link", "Configuration");
  await ours.click("button", "stafd.conf");
  await ours.see("Saving needs administrative access", "No findings.");
  await ours.type("Text of stafd.conf", STAFD_CONF);
  await ours.click("button", "Show the plan of this text");
  await ours.see(/connect/i, ONE, OTHER);
  await ours.click("button", "Save");
  await ours.see("Not saved", "This needs administrative access");

  await shell.becomeAdmin(PASSWORD);
  await ours.missing("Saving needs administrative access");
  assert.equal(await ours.evaluate("document.querySelector('textarea').value"), STAFD_CONF);
  await ours.click("button", "Save");
  await ours.see("Saved; stafd reads it when it is started");
  await shell.picture("configuration");
  assert.equal(await guest.run("cat /etc/stas/stafd.conf"), STAFD_CONF);
  assert.equal(await guest.run(OWNED), owned, "owner and permissions are as before");
}

/** Started from the page; what happens on the fabric is seen without a reload. */
async function watch(guest: Guest, shell: Shell): Promise<void> {
  const { ours } = shell;
  await ours.click("link", "Services");
  for (const daemon of ["stafd", "stacd"]) {
    await ours.click("button", `Start ${daemon}`);
    await ours.see(`Stop ${daemon}`);
    await guest.run(`systemctl is-active ${daemon}`);
  }
  await untilConnected(guest, ["sub-001", "sub-001", "sub-002"]);
  await ours.see(/stacd.*connect/i);
  await shell.picture("services");
  await ours.click("link", "Overview");
  await ours.see("2 subsystems", "3 of 3", `${ONE}:8009`, `${OTHER}:8009`, /connected\s+nvme\d+ .*sub-001/);

  const device = await untilBlockDevice(guest, "sub-001");
  await guest.run(`mkfs.ext4 -q ${device} && mkdir -p /srv/data && mount ${device} /srv/data`);
  await guest.run("nvmet-lab add late 1");
  await ours.see("3 subsystems", /connected\s+nvme\d+ .*late/);
  await shell.picture("overview");

  await guest.run("nvmet-lab net-down fab1");
  await ours.see(/link-lost/);
  await ours.click("link", "Subsystems");
  await ours.see("3 subsystems, 4 paths", "1 of 2");
  await ours.click("button", `Show paths of ${nqnOf("sub-001")}`);
  await ours.see(`tcp ${ONE}:8009`, `tcp ${OTHER}:8009`, "reconnecting", "mounted on /srv/data", "16 MiB");
  await shell.picture("subsystems");
  await ours.click("link", `tcp ${OTHER}:8009`);
  await ours.see("Wanted by", "Next");
  await shell.picture("details");
  await guest.run("nvmet-lab net-up fab1");
  await ours.click("link", "Subsystems");
  await ours.see("2 of 2");
  await ours.missing("1 of 2");
}

/** The plan names what stays for its mount and what goes; saved, that is what the kernel has. */
async function exclude(guest: Guest, shell: Shell): Promise<void> {
  const { ours } = shell;
  await ours.click("link", "Configuration");
  await ours.see("/etc/stas/stacd.conf", "No findings.");
  await ours.type("Text of stacd.conf", STACD_CONF);
  await ours.click("button", "Show the plan of this text");
  await ours.see(
    "This text disconnects 3 of 4",
    nqnOf("sub-002"),
    /mounted on \/srv\/data; .* stay connected meanwhile/,
  );
  await shell.picture("plan");
  await ours.click("button", "Save and reload");
  await ours.see("Saved; stacd reads it now");
  assert.equal(await guest.run("cat /etc/stas/stacd.conf"), STACD_CONF);
  await untilConnected(guest, ["sub-001", "sub-001", "late"]);
}

/** Stopped and started again from the page: connections stay. Then Cockpit's own pages of the daemons. */
async function stopAndFollowLinks(guest: Guest, shell: Shell): Promise<void> {
  const { ours, around } = shell;
  await ours.click("link", "Services");
  await ours.see("Disconnect initiated");
  const before = await untilConnected(guest, ["sub-001", "sub-001", "late"]);
  await ours.click("button", "Stop stacd");
  await ours.see("Start stacd");
  assert.equal((await guest.attempt("systemctl is-active stacd")).stdout, "inactive\n");
  await nothingChanges(guest, before, 5);
  await ours.click("button", "Start stacd");
  await ours.see("Stop stacd");
  await shell.dropAdmin();
  await ours.see("Starting and stopping need administrative access", UNREAD);
  await shell.becomeAdmin(PASSWORD);
  await ours.missing(UNREAD);
  await ours.see("Disconnect initiated");

  // The first card's.
  await ours.click("button", "Details");
  await shell.pageAt("system/services").see("stacd.service", "Running");
  await shell.picture("cockpit-service");
  await around.click("link", "NVMe-oF storage");
  await ours.click("link", "Services");
  await ours.click("button", "Show in Logs");
  await shell.pageAt("system/logs").see("Disconnect initiated");
  await shell.picture("cockpit-logs");
  await around.click("link", "NVMe-oF storage");
  await ours.click("link", "Subsystems");
  await ours.click("button", `Show paths of ${nqnOf("sub-001")}`);
  const device = (await untilBlockDevice(guest, "sub-001")).replace("/dev/", "");
  await ours.click("button", `Show ${device} on Cockpit's storage page`);
  await shell.pageAt("storage").see(device);
  await shell.picture("cockpit-storage");
  await around.click("link", "NVMe-oF storage");
  await around.press("#toggle-menu");
  await around.press("#dark");
  await ours.click("link", "Overview");
  await ours.see("1 subsystem", "withdrawn, held");
  assert.equal(
    await ours.evaluate("document.documentElement.classList.contains('pf-v6-theme-dark')"),
    true,
    "the page follows the choice in Cockpit's menu",
  );
  await shell.picture("dark");
}

async function administrator(guest: Guest, shell: Shell): Promise<void> {
  await shell.logIn(ADMIN, PASSWORD);
  await configureStafd(guest, shell);
  await watch(guest, shell);
  await exclude(guest, shell);
  await stopAndFollowLinks(guest, shell);
}

/** Sees the storage, and changes nothing. */
async function reader(guest: Guest, shell: Shell): Promise<void> {
  const { ours } = shell;
  await shell.logIn(READER, PASSWORD);
  await ours.see("1 subsystem", "withdrawn, held", `${ONE}:8009`);
  await ours.click("link", "Subsystems");
  await ours.click("button", `Show paths of ${nqnOf("sub-001")}`);
  await ours.see(`tcp ${OTHER}:8009`, "mounted on /srv/data", "16 MiB");
  await ours.click("link", "Services");
  await ours.see("Starting and stopping need administrative access", UNREAD);
  await ours.click("button", "Stop stacd");
  await ours.see("Stop stacd: not done", "This needs administrative access");
  await shell.picture("reader");
  await ours.click("link", "Configuration");
  await ours.see("Saving needs administrative access", "No findings.");
  await ours.type("Text of stacd.conf", "# mine\n");
  await ours.click("button", "Show the plan of this text");
  await ours.see(/connect/i, nqnOf("sub-002"));
  await ours.click("button", "Save and reload");
  await ours.see("Not saved", "This needs administrative access");
  assert.equal(await guest.run("cat /etc/stas/stacd.conf"), STACD_CONF);
  await guest.run("systemctl is-active stafd stacd");
}

/** Each person has a browser of their own, without the other's cookies. */
async function visited(origin: string, visit: (shell: Shell) => Promise<void>): Promise<void> {
  // Cockpit has made its own certificate.
  const { browser, close } = await openBrowser(["--ignore-certificate-errors"]);
  try {
    const shell = await Shell.open(browser, origin);
    try {
      await visit(shell);
    } catch (error) {
      await shell.picture("failure");
      console.log(
        `        the window is in build/vm-cockpit; the console: ${shell.conduct.complaints.join("\n")}`,
      );
      throw error;
    }
    assert.deepEqual(shell.misconduct(), [], "nothing to complain of, and no request goes elsewhere");
  } finally {
    await close();
  }
}

async function run(guest: Guest): Promise<void> {
  await install(guest);
  const origin = `https://127.0.0.1:${await guest.forwarded()}`;
  await visited(origin, (shell) => administrator(guest, shell));
  await visited(origin, (shell) => reader(guest, shell));
  const connected = await untilConnected(guest, ["sub-001", "sub-001", "late"]);
  await guest.run("dpkg -P cockpit-nvme-stas && test ! -e /usr/share/cockpit/nvme-stas");
  await guest.run("systemctl is-active stafd stacd");
  await nothingChanges(guest, connected, 2);
}

export const scenario: Scenario = {
  name: "Cockpit: log in, configure, start, watch and stop",
  ofOurs: true,
  run,
};
