/**
 * A person has stafd forget a discovery controller that mDNS announced and that is silent now: refused while it is
 * announced; then it goes, and what only it listed goes as well, but for what is mounted.
 */
import assert from "node:assert/strict";
import { SOON, start, untilConnected, untilDiscovering } from "../fabric.ts";
import type { Guest } from "../guest.ts";
import { AVAHI } from "../needs.ts";
import type { Scenario } from "../scenario.ts";
import { configureStacd, identities, nqnOf, ONE, tcpLine, TWO } from "../stacd.ts";
import { configure, connections } from "../stafd.ts";
import { untilBlockDevice } from "../storage.ts";

const FORGET = `COLUMNS=400 stafctl forget ${ONE}`;
const ALL = ["idle", "lined", "mounted", "other"];

async function refused(guest: Guest, why: RegExp): Promise<void> {
  for (const command of [`${FORGET} --dry-run`, FORGET]) {
    const { code, stdout, stderr } = await guest.attempt(command);
    assert.deepEqual([code, stdout], [1, ""], command);
    assert.match(stderr, why);
  }
}

async function forgets(guest: Guest): Promise<void> {
  await guest.run(
    "nvmet-lab up 0 --dcs 2 && for name in idle lined mounted; do nvmet-lab add $name 1; done; " +
      "nvmet-lab add other 2 && nvmet-lab mdns-up 1 2",
  );
  await configure(guest, "");
  await configureStacd(guest, { controllers: [tcpLine("lined")] });
  await start(guest, "stafd", "stacd");
  await untilDiscovering(guest, [`${ONE}:8009`, `${TWO}:8009`]);
  await untilConnected(guest, ALL);
  const device = await untilBlockDevice(guest, "mounted");
  await guest.run(`mkfs.ext4 -q ${device} && mkdir -p /srv/mounted && mount ${device} /srv/mounted`);
  try {
    await silent(guest);
  } finally {
    // What is mounted can only be unmounted with a path.
    await guest.run("nvmet-lab port-up 1; umount /srv/mounted; true");
  }
}

async function silent(guest: Guest): Promise<void> {
  const [before, stay, held] = [
    await connections(guest),
    await identities(guest, ["lined", "other"]),
    await identities(guest, ["mounted"]),
  ];
  const announced = /not forgotten: \(tcp, 192\.0\.2\.11, .* is still announced \(.*\) and would come back/;
  await refused(guest, announced);
  await guest.run("nvmet-lab port-down 1");
  await refused(guest, announced);
  await guest.run("nvmet-lab mdns-down 1");
  const page = "its log page listed 3 I/O controllers, 3 of them in no other log page";
  const would = await guest.until(
    "it may be forgotten",
    `${FORGET} --dry-run; true`,
    (out) => out.startsWith("Would be forgotten"),
    SOON,
  );
  assert.match(would, new RegExp(`^Would be forgotten: \\(tcp, 192\\.0\\.2\\.11, .*: ${page}`));
  assert.equal(await connections(guest), before, "only asked");
  assert.match(await guest.run("stafctl ls"), /192\.0\.2\.11/);

  assert.match(await guest.run(FORGET), new RegExp(`^Forgotten: \\(tcp, 192\\.0\\.2\\.11, .*: ${page}`));
  const left = async (what: string, names: readonly string[]): Promise<void> => {
    await guest.until(
      what,
      "cat /sys/class/nvme/nvme*/subsysnqn",
      (out) => ALL.every((name) => out.includes(`${nqnOf(name)}\n`) === names.includes(name)),
      SOON,
    );
  };
  await left("only what is idle goes", ["lined", "mounted", "other"]);
  await untilDiscovering(guest, [`${TWO}:8009`]);
  await guest.always(
    "the mounted one stays",
    "cat /sys/class/nvme/nvme*/subsysnqn",
    (out) => ["lined", "mounted", "other"].every((name) => out.includes(`${nqnOf(name)}\n`)),
    { seconds: 10 },
  );
  assert.equal(await identities(guest, ["mounted"]), held, "the same connection");
  const byHand = /forgotten by uid 0 at .*: 192\.0\.2\.11/;
  const why = await guest.run(`COLUMNS=400 stacctl explain ${nqnOf("mounted")}`);
  assert.match(why, /held: nvme\d+n1 is in use: mounted on \/srv\/mounted/);
  assert.match(why, byHand);
  assert.match(await guest.run(`COLUMNS=400 stafctl explain ${ONE}`), byHand);
  assert.match(
    await guest.run("COLUMNS=400 stafctl history --evidence"),
    /forgotten +Discovery controllers are forgotten by uid 0/,
  );

  // The array comes back without an announcement: the held path serves again, and goes after its use.
  await guest.run("nvmet-lab port-up 1");
  await untilConnected(guest, ["lined", "mounted", "other"]);
  await guest.run("dd if=/dev/urandom of=/srv/mounted/file bs=64k count=16 conv=fsync status=none");
  assert.equal(await identities(guest, ["mounted"]), held, "the same connection");
  await guest.run("umount /srv/mounted");
  await left("what was mounted goes", ["lined", "other"]);
  assert.equal(await identities(guest, ["lined", "other"]), stay, "the others were never touched");
  assert.doesNotMatch(await guest.run("stafctl ls"), /192\.0\.2\.11/);
  assert.match(
    await guest.run("COLUMNS=400 stacctl history --evidence"),
    /mounted.*[^]*forgotten by uid 0 at .*: 192\.0\.2\.11/,
  );
}

export const scenarios: readonly Scenario[] = [
  {
    name: "stafd by hand: forget takes a silent controller and what only it listed, but for what is mounted",
    ofOurs: true,
    slow: true,
    needs: AVAHI,
    run: forgets,
  },
];
