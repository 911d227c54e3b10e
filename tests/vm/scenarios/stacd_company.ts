/** stacd beside people and other programs: `nvme disconnect` and `nvme connect` by hand, and what the machine booted from. */
import assert from "node:assert/strict";
import { buildNbft } from "../../unit/nvme/nbft_builder.ts";
import {
  byTcp,
  configureStacd,
  configureStafd,
  connectByHand,
  connectedNames,
  deviceOf,
  hide,
  identities,
  nqnOf,
  ONE,
  reloadStacd,
  stacdJournal,
  staysAsItIs,
  tcpLine,
  TWO,
  untilIocsListed,
  untilStacdLogged,
} from "../stacd.ts";
import { controllers, SOON, start, untilConnected } from "../fabric.ts";
import { now } from "../stafd.ts";
import type { Guest } from "../guest.ts";
import type { Scenario } from "../scenario.ts";

const WATCH = 8;

async function byHand(guest: Guest): Promise<void> {
  await guest.run("nvmet-lab up 2 --dcs 2 && nvmet-lab add line 2 && nvmet-lab add theirs 2");
  await configureStafd(guest, [ONE]);
  await configureStacd(guest, { controllers: [tcpLine("line", TWO)] });
  // Connected by a person before stacd: taken over, not made a second time.
  await connectByHand(guest, "line", byTcp(TWO));
  await connectByHand(guest, "sub-001", byTcp(ONE));
  const theirs = await identities(guest, ["line", "sub-001"]);
  await start(guest, "stafd", "stacd");
  const ours = ["line", "sub-001", "sub-002"];
  await untilConnected(guest, ours);
  await untilIocsListed(guest, ours);
  assert.equal(await identities(guest, ["line", "sub-001"]), theirs);

  // Beside us: what nobody lists is left alone; what exists already is refused by the kernel and stays ours.
  await connectByHand(guest, "theirs", byTcp(TWO));
  const again = await guest.attempt(`nvme connect ${byTcp(ONE)} -n ${nqnOf("sub-002")}`);
  assert.notEqual(again.code, 0);
  await staysAsItIs(guest, WATCH);
  await untilIocsListed(guest, ours);

  // What a person disconnects comes back when it is wanted, after a pause; also when it was theirs.
  for (const name of ["line", "sub-002"]) {
    const device = deviceOf(await controllers(guest), name);
    const before = await identities(guest, [name]);
    const since = await now(guest);
    await guest.run(`nvme disconnect -d ${device}`);
    await untilStacdLogged(guest, since, new RegExp(`:${name}.*Received "remove" event`));
    await untilConnected(guest, [...ours, "theirs"]);
    assert.notEqual(await identities(guest, [name]), before);
    const text = await guest.run(`journalctl -u stacd -o short-monotonic --no-pager --since=@${since}`);
    const at = (what: string): number =>
      Number(
        new RegExp(`\\[\\s*([0-9.]+)\\][^\\n]*:${name}[^\\n]*${what}`).exec(text)?.[1] ?? Number.NaN,
      );
    const pause = at("Connection established") - at('Received "remove"');
    assert.ok(pause >= 2.9 && pause < 15, `back after ${pause} s: ${text}`);
  }
  await guest.run(`nvme disconnect -n ${nqnOf("theirs")}`);
  await untilConnected(guest, ours);
  await staysAsItIs(guest, WATCH);

  // Stopping keeps everything; a start finds it again.
  const made = await identities(guest, ours);
  await guest.run("systemctl stop stacd stafd");
  await staysAsItIs(guest, WATCH);
  await start(guest, "stafd", "stacd");
  await untilIocsListed(guest, ours);
  assert.equal(await identities(guest, ours), made);
}

/** STAC-47, row 13: what the firmware's table names is not touched, in the scope that disconnects what no source wants. */
async function boot(guest: Guest): Promise<void> {
  await guest.run(
    "nvmet-lab up 1 --dcs 2 && nvmet-lab add root 2 && nvmet-lab add other 2 && nvmet-lab add unmade 2 && nvmet-lab link root 1",
  );
  const parts = {
    hostId: "b0b0b0b0-89ab-cdef-0123-456789abcdef",
    hostNqn: "nqn.2014-08.org.nvmexpress:uuid:b0b0b0b0-89ab-cdef-0123-456789abcdef",
    hfis: [{ index: 1, mac: [2, 0, 0, 0, 0, 1], ip: "192.0.2.1" }],
    subsystems: [
      { index: 1, traddr: TWO, trsvcid: "8009", nqn: nqnOf("root"), hfi: 1 },
      { index: 2, traddr: ONE, trsvcid: "8009", nqn: nqnOf("root"), hfi: 1 },
      { index: 3, traddr: TWO, trsvcid: "8009", nqn: nqnOf("unmade"), hfi: 1 },
    ],
  };
  await guest.run("mkdir -p /run/nbft /etc/systemd/system/stacd.service.d");
  const table = [...buildNbft(parts)].map((byte) => `\\x${byte.toString(16).padStart(2, "0")}`).join("");
  await guest.run(`printf '${table}' >/run/nbft/NBFT`);
  await guest.writeFile(
    "/etc/systemd/system/stacd.service.d/nbft.conf",
    "[Service]\nBindReadOnlyPaths=/run/nbft:/sys/firmware/acpi/tables\n",
  );
  await guest.run("systemctl daemon-reload");
  await configureStafd(guest, [ONE]);
  const audit = ["disconnect-scope = all-connections-matching-disconnect-trtypes"];
  await configureStacd(guest, { management: audit });
  // As the initrd would have left it; and one that is nobody's.
  await connectByHand(guest, "root", byTcp(TWO));
  await connectByHand(guest, "other", byTcp(TWO));
  const root = deviceOf(await controllers(guest), "root");
  const since = await now(guest);
  await start(guest, "stafd", "stacd");
  // "root" is listed by discovery controller 1 too, at its address; "unmade" is in the table, and that is no reason to connect it.
  await untilConnected(guest, ["root", "root", "sub-001"]);
  const made = await identities(guest, ["root"]);
  assert.match(made, new RegExp(`${root} `));
  assert.match(await stacdJournal(guest, since), /boot tables: \/sys\/firmware\/acpi\/tables\/NBFT$/m);
  // Neither when its page no longer lists it, nor for an exclusion: taken over and released again.
  const then = await now(guest);
  await guest.run(hide("root"));
  await untilStacdLogged(guest, then, /:root.*connection kept: .*booted from it/);
  await reloadStacd(guest, { management: audit, excludes: [`nqn=${nqnOf("root")}`] });
  await staysAsItIs(guest, WATCH);
  assert.equal(await identities(guest, ["root"]), made);
  assert.deepEqual(connectedNames(await controllers(guest)), ["root", "root", "sub-001"]);
}

/** Requirements 40: attempts on what its discovery controller calls not connected end, until it says otherwise. */
async function notConnected(guest: Guest): Promise<void> {
  await guest.run(`nvmet-lab up 0 && nvmet-lab port-add 5`);
  // The subsystems are listed at an address where nothing listens yet.
  await guest.run(`fake-cdc up '{"entries": 1, "eflags": 4, "listed": ["192.0.2.15"]}'`);
  await configureStafd(guest, ["192.0.2.18"]);
  await configureStacd(guest, { management: ["connect-attempts-on-ncc = 2"] });
  const since = await now(guest);
  await start(guest, "stafd", "stacd");
  const explain =
    "busctl --system call org.nvmexpress.stac /org/nvmexpress/stac org.nvmexpress.stac list_controllers b true";
  const attempts = async () => /"connect attempts" "(\d+)"/.exec(await guest.run(explain))?.[1];
  await untilStacdLogged(guest, since, /:fake-000.*Failed to connect/);
  await guest.until("two attempts were made", explain, (out) => out.includes('"connect attempts" "2"'), SOON);
  // The third would be due about six seconds later.
  await guest.always(
    "it stays at two attempts",
    explain,
    (out) => out.includes('"connect attempts" "2"') && out.includes('"dlpe.eflags.ncc" "True"'),
    { seconds: 20 },
  );
  // A reload is one attempt more, and only one.
  await guest.run("systemctl reload stacd");
  await guest.until("one attempt more", explain, (out) => out.includes('"connect attempts" "3"'), SOON);
  await guest.always("and no other", explain, (out) => out.includes('"connect attempts" "3"'), {
    seconds: 20,
  });
  assert.equal(await attempts(), "3");
  // It exists now, but no event has said so: nothing happens. Then its discovery controller says so.
  await guest.run("nvmet-lab add fake-000 5");
  await guest.always("not tried", explain, (out) => out.includes('"connect attempts" "3"'), { seconds: 10 });
  await guest.run(`fake-cdc set '{"eflags": 0}' && fake-cdc aen`);
  await untilConnected(guest, ["fake-000"]);
  // Connected, the flag means nothing.
  await guest.run(`fake-cdc set '{"eflags": 4}' && fake-cdc aen`);
  await guest.until("it has the flag", explain, (out) => out.includes('"dlpe.eflags.ncc" "True"'), SOON);
  await staysAsItIs(guest, WATCH);
}

export const scenarios: readonly Scenario[] = [
  { name: "stacd beside people", ofOurs: true, slow: true, run: byHand },
  { name: "stacd and boot connections", ofOurs: true, slow: true, run: boot },
  { name: "stacd attempts on NCC", ofOurs: true, slow: true, run: notConnected },
];
