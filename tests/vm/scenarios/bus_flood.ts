/** What any user may send over the bus, 31 MB of it, neither ends a daemon nor keeps another user from an answer (V2). */
import assert from "node:assert/strict";
import { start } from "../fabric.ts";
import type { Guest } from "../guest.ts";
import type { Scenario } from "../scenario.ts";

const CLIENT = "/tmp/flood.py";

/** Python: a connection to the bus as any user has it, `message` for what it sends, `error` for the next refusal. */
export const ON_THE_BUS = `
import json, os, socket, struct, sys
sock = socket.socket(socket.AF_UNIX)
sock.connect("/run/dbus/system_bus_socket")
sock.sendall(b"\\0AUTH EXTERNAL " + str(os.getuid()).encode().hex().encode() + b"\\r\\n")
assert sock.recv(200).startswith(b"OK ")
sock.sendall(b"BEGIN\\r\\n")
def message(kind, serial, fields, body=b""):
    out = b""
    for code, type_, value in fields:
        out += b"\\0" * (-len(out) % 8) + bytes([code, 1, ord(type_), 0])
        value = value.encode()
        out += (bytes([len(value)]) if type_ == "g" else struct.pack("<I", len(value))) + value + b"\\0"
    head = struct.pack("<BBBBIII", 0x6c, kind, 0, 1, len(body), serial, len(out))
    return head + out + b"\\0" * (-len(out) % 8) + body
def receive(n):
    data = b""
    while len(data) < n:
        some = sock.recv(n - len(data))
        if not some:
            sys.exit("the bus closed the connection")
        data += some
    return data
def error():
    while True:
        head = receive(16)
        length, _, fields = struct.unpack("<III", head[4:])
        rest = receive(fields + -fields % 8 + length)
        if head[1] == 3:
            return next(word.decode() for word in rest.split(b"\\0") if b".Error." in word)
DBUS = "org.freedesktop.DBus"
sock.sendall(message(1, 1, [(1, "o", "/org/freedesktop/DBus"), (2, "s", DBUS), (3, "s", "Hello"), (6, "s", DBUS)]))
`;

/** Sends each daemon a call of a method that does not exist, and a signal, with 31 MB of variants; prints what was answered. */
const PYTHON = `
${ON_THE_BUS}
body = b"\\x01y\\0\\0" * (31 * 1024 * 1024 // 4)
body = struct.pack("<I", len(body)) + body
answers = []
for n, daemon in enumerate(("staf", "stac")):
    name, path = "org.nvmexpress." + daemon, "/org/nvmexpress/" + daemon
    signal = [(1, "o", path), (2, "s", "org.example.a"), (3, "s", "Changed"), (6, "s", name), (8, "g", "av")]
    sock.sendall(message(4, 10 + n, signal, body))
    call = [(1, "o", path), (2, "s", name), (3, "s", "no_such_method"), (6, "s", name), (8, "g", "av")]
    sock.sendall(message(1, 20 + n, call, body))
    answers.append(error())
json.dump(answers, sys.stdout)
`;

/** Processes, restarts, and the most memory that each process has had. */
async function look(
  guest: Guest,
): Promise<{ readonly processes: string; readonly peaks: readonly number[] }> {
  const processes = await guest.run("systemctl show -P MainPID -P NRestarts -P ActiveState stafd stacd");
  const peaks = await guest.run(
    "for d in stafd stacd; do sed -n 's/^VmHWM:[^0-9]*\\([0-9]*\\) kB/\\1/p' /proc/$(systemctl show -P MainPID $d)/status; done",
  );
  return { processes, peaks: peaks.trim().split("\n").map(Number) };
}

/** Asks each daemon so many times, and prints how many milliseconds each answer took. */
const asking = (times: number): string =>
  `for d in staf stac; do for n in $(seq ${times}); do begin=$(date +%s%3N); busctl --system --timeout=120 call ` +
  "org.nvmexpress.$d /org/nvmexpress/$d org.nvmexpress.$d list_controllers b true >/dev/null || exit 1; " +
  "echo $(($(date +%s%3N) - begin)); sleep 1; done; done";

/** What the client was answered; it is gone afterwards, whatever happens: the next scenario has the bus for itself. */
async function flooded(guest: Guest): Promise<string> {
  try {
    return await guest.run(`timeout 280 runuser -u nobody -- python3 ${CLIENT}`);
  } finally {
    await guest.attempt(`pkill -KILL -f ${CLIENT}`);
  }
}

async function run(guest: Guest): Promise<void> {
  await start(guest, "stafd", "stacd");
  await guest.writeFile(CLIENT, PYTHON);
  const before = await look(guest);
  const quiet = await guest.run(asking(1));
  // Another user asks meanwhile. The bus itself needs a while for the large messages.
  const [flood, waits] = await Promise.all([flooded(guest), guest.run(asking(5))]);
  console.log(
    `        ms that another caller waited: ${waits.trim().split("\n").join(" ")}; before: ${
      quiet.trim().split("\n").join(" ")
    }`,
  );
  const unknown = "org.freedesktop.DBus.Error.UnknownMethod";
  assert.deepEqual(JSON.parse(flood), [unknown, unknown]);
  const after = await look(guest);
  assert.equal(after.processes, before.processes);
  for (const [n, peak] of after.peaks.entries()) {
    const more = peak - (before.peaks[n] ?? 0);
    // Nothing is kept, but what was read waits for the garbage collector: up to 41 MB were seen, however many messages.
    assert.ok(more < 64 * 1024, `31 MB on the bus took ${more} kB of memory`);
  }
}

export const scenario: Scenario = { name: "31 MB of anybody's on the bus", ofOurs: true, run };
