/** Less safe than asked for (S15): never made, never called good, and never taken away for it. */
import assert from "node:assert/strict";
import {
  byTcp,
  configureStacd,
  configureStafd,
  connectByHand,
  deviceOf,
  identities,
  lineOf,
  nqnOf,
  ONE,
  reloadStacd,
  tcpLine,
} from "../stacd.ts";
import { controllers, liveSubsystems, start, untilConnected } from "../fabric.ts";
import { configure } from "../stafd.ts";
import type { Guest } from "../guest.ts";
import type { Scenario } from "../scenario.ts";

const STAYS = { seconds: 15 };
const SUBSYSTEMS =
  "cd /sys/class/nvme && for c in nvme*; do [ -e $c ] && [ $(cat $c/cntrltype) = io ] && cat $c/subsysnqn; done; true";

async function unreadable(guest: Guest): Promise<void> {
  await guest.run("nvmet-lab up 4");
  await configureStafd(guest, [ONE]);
  const lines = [
    tcpLine("sub-001", undefined, ";tls"),
    tcpLine("sub-002", undefined, ";tsl=true"),
    tcpLine("sub-003", undefined, ";kxchap-secret=DHHC-1:00:c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0:"),
  ];
  const conf = { controllers: lines };
  await configureStacd(guest, conf);
  const places = lines.map((line) => `stacd.conf:${lineOf(conf, line)}:`);
  const check = await guest.attempt("stacctl check");
  assert.notEqual(check.code, 0, check.stdout);
  for (const place of places) assert.ok(check.stdout.includes(place), check.stdout);
  // The page lists all four; the lines mean three of them.
  await start(guest, "stafd", "stacd");
  await untilConnected(guest, ["sub-004"]);
  await guest.always("only sub-004", SUBSYSTEMS, (out) => out.trim() === nqnOf("sub-004"), STAYS);
  const status = await guest.attempt("COLUMNS=400 stacctl status -o table");
  assert.equal(status.code, 3, status.stdout);
  assert.match(status.stdout, /degraded[^]*"tls" has no value; write tls=true/);
  const why = await guest.run("COLUMNS=400 stacctl explain sub-002");
  assert.match(why, new RegExp(`${places[1]}\\d+: "tsl=true": "tsl" is not an option, but tls is`));
  // In [Global] a reload is refused.
  const refused = await guest.attempt(
    "printf '[Global]\\ntsl = true\\n' >/etc/stas/stacd.conf; systemctl reload stacd; sleep 3; COLUMNS=400 stacctl status -o table",
  );
  assert.match(refused.stdout, /the last reload was refused/);
  await guest.always("still only sub-004", SUBSYSTEMS, (out) => out.trim() === nqnOf("sub-004"), STAYS);
  // At a start nothing new is connected, and existing connections are managed.
  await guest.run("nvme disconnect -n " + nqnOf("sub-004"));
  await connectByHand(guest, "sub-002", byTcp(ONE));
  await guest.run("systemctl restart stacd");
  await guest.always("only the existing one", SUBSYSTEMS, (out) => out.trim() === nqnOf("sub-002"), STAYS);
  assert.match(await guest.run("COLUMNS=400 stacctl explain sub-004"), /\[Global\] has no option "tsl"/);
  await reloadStacd(guest, { controllers: [] });
  await untilConnected(guest, ["sub-001", "sub-002", "sub-003", "sub-004"]);
}

async function adoption(guest: Guest): Promise<void> {
  await guest.run("nvmet-lab up 2");
  await guest.run("systemctl start avahi-daemon && nvmet-lab mdns-up 1");
  await configure(guest, "");
  await connectByHand(guest, "sub-001", byTcp(ONE));
  const byHand = await identities(guest, ["sub-001"]);
  const lines = ["sub-001", "sub-002"].map((name) => tcpLine(name, undefined, ";tls=true"));
  await configureStacd(guest, { controllers: lines });
  await start(guest, "stafd", "stacd");
  await guest.until(
    "mDNS listed the subsystems",
    "COLUMNS=400 stacctl explain sub-002",
    (out) => /log page/.test(out),
    {
      seconds: 120,
    },
  );
  for (const command of ["true", "systemctl reload stacd", "systemctl restart stacd"]) {
    await guest.run(command);
    await guest.always(command, SUBSYSTEMS, (out) => out.trim() === nqnOf("sub-001"), STAYS);
    assert.equal(await identities(guest, ["sub-001"]), byHand, command);
    const status = await guest.attempt("COLUMNS=400 stacctl status -o table");
    assert.equal(status.code, 3, status.stdout);
    assert.match(status.stdout, /less safe than asked: without TLS/);
    const listed = await guest.run("stacctl ls -d -o literal");
    const own = listed.split("}").filter((one) => one.includes("sub-001")).join("}");
    assert.match(own, /'tls': 'False'/);
    const device = deviceOf(await controllers(guest), "sub-001");
    assert.match(
      await guest.run("COLUMNS=400 stacctl explain sub-001"),
      new RegExp(`nvme disconnect -d ${device}`),
    );
  }
}

async function duplicates(guest: Guest): Promise<void> {
  await guest.run("nvmet-lab up 1");
  await configureStafd(guest, []);
  const lines = [tcpLine("sub-001"), tcpLine("sub-001", `::ffff:${ONE}`, ";kato=10;tls=true")];
  const conf = { controllers: lines };
  await configureStacd(guest, conf);
  const [first, second] = lines.map((line) => lineOf(conf, line));
  const words = new RegExp(
    `line ${second} means the same controller as line ${first}: ` +
      `.*line ${second} asks for tls and line ${first} does not: the stricter counts`,
  );
  assert.match((await guest.attempt("stacctl check")).stdout, words);
  await start(guest, "stacd");
  await guest.until(
    "stacd says it",
    "journalctl -u stacd -o cat --no-pager -n 200",
    (out) => words.test(out),
    {
      seconds: 60,
    },
  );
  await guest.always("not without TLS", SUBSYSTEMS, (out) => out.trim() === "", STAYS);
  await reloadStacd(guest, { controllers: lines.slice(0, 1) });
  assert.deepEqual(liveSubsystems(await untilConnected(guest, ["sub-001"])), ["sub-001"]);
}

export const scenarios: readonly Scenario[] = [
  { name: "stacd: security that cannot be read", ofOurs: true, slow: true, run: unreadable },
  { name: "stacd: security of what is adopted", ofOurs: true, slow: true, run: adoption },
  { name: "stacd: security of two lines", ofOurs: true, slow: true, run: duplicates },
];
