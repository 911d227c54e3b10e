/** The kernel's answer to connects that cannot succeed, by transport: each row of the table is tried. */
import assert from "node:assert/strict";
import { nqnOf, offerByLoop } from "../stacd.ts";
import { ERRNOS } from "../errno_table.ts";
import type { Guest } from "../guest.ts";
import { FC, LOOP, type Need, RDMA } from "../needs.ts";
import type { Scenario } from "../scenario.ts";

/** Writes each line of standard input to the device; prints the errno's name, or what was made, which it takes down. */
const TRY = `import errno, os, sys
who = 'hostnqn=%s,hostid=%s' % tuple(open('/etc/nvme/' + f).read().strip() for f in ('hostnqn', 'hostid'))
for line in sys.stdin.read().splitlines():
    fd = os.open('/dev/nvme-fabrics', os.O_RDWR)
    try:
        os.write(fd, (line + ',' + who).encode())
        print('connected')
    except OSError as error:
        print(errno.errorcode[error.errno])
    os.close(fd)
`;

async function ask(guest: Guest, transports: readonly string[]): Promise<void> {
  const rows = ERRNOS.filter(({ transport, takesLong }) =>
    transports.includes(transport) && takesLong !== true
  );
  await guest.writeFile("/run/try.py", TRY);
  await guest.writeFile(
    "/run/connects",
    rows.map(({ connect }) => `${connect.replaceAll("NQN:", nqnOf(""))}\n`).join(""),
  );
  const answers = (await guest.run("python3 /run/try.py </run/connects")).trimEnd().split("\n");
  assert.deepEqual(
    answers.map((errno, n) => `${rows[n]?.transport}: ${rows[n]?.situation}: ${errno}`),
    rows.map(({ transport, situation, errno }) => `${transport}: ${situation}: ${errno}`),
  );
}

async function tcp(guest: Guest): Promise<void> {
  await guest.run("nvmet-lab up 1");
  await ask(guest, ["tcp"]);
}

async function others(guest: Guest): Promise<void> {
  await guest.run("nvmet-lab rdma-up && nvmet-lab fc-up && nvmet-lab create one && nvmet-lab link one 51");
  await offerByLoop(guest, ["one"]);
  await ask(guest, ["rdma", "fc", "loop"]);
}

const OTHERS: readonly Need[] = [...RDMA, ...FC, ...LOOP];

export const scenarios: readonly Scenario[] = [
  { name: "errno of failed connects: TCP", ofOurs: true, slow: true, run: tcp },
  { name: "errno of failed connects: RDMA, FC, loop", ofOurs: true, slow: true, needs: OTHERS, run: others },
];
