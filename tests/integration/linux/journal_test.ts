import assert from "node:assert/strict";
import { AF_UNIX, bytes, SOCK_DGRAM, sys } from "../../../src/lib/linux/ffi_libc.ts";
import { Journal, journalRecord, logTarget } from "../../../src/lib/linux/journal.ts";
import { Notify } from "../../../src/lib/linux/notify.ts";
import { Reactor, READABLE } from "../../../src/lib/linux/reactor.ts";
import { RememberingLog } from "./waiting.ts";

/** A socket in the place of systemd's. */
async function withSocket(
  abstract: boolean,
  work: (path: string, receive: () => Promise<string>) => Promise<void>,
): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "stas-socket-" });
  const path = abstract ? `@stas-test-${Deno.pid}` : `${folder}/socket`;
  const fd = sys.socket(AF_UNIX, SOCK_DGRAM, 0);
  const name = new TextEncoder().encode(path.replace(/^@/, "\0"));
  const address = bytes(2 + name.length);
  address[0] = AF_UNIX;
  address.set(name, 2);
  assert.equal(sys.bind(fd, address), 0);
  const reactor = new Reactor();
  const buffer = bytes(65536);
  const receive = async (): Promise<string> => {
    for (;;) {
      const length = sys.receive(fd, buffer, bytes(128));
      if (length >= 0) return new TextDecoder().decode(buffer.slice(0, length));
      await new Promise<void>((resolve) =>
        reactor.watch(fd, READABLE, () => {
          reactor.unwatch(fd);
          resolve();
        })
      );
    }
  };
  await work(path, receive);
  await reactor.close();
  sys.close(fd);
  await Deno.remove(folder, { recursive: true });
}

Deno.test("a journal record has all fields, with lengths where a value has line ends", () => {
  const record = journalRecord({
    level: "warning",
    message: "two\nlines",
    fields: { NVME_DEVICE: "nvme0", PRIORITY: "0" },
  }, "stafd");
  const expected = new TextEncoder().encode(
    "NVME_DEVICE=nvme0\nPRIORITY=4\nSYSLOG_IDENTIFIER=stafd\nMESSAGE\n\x09\0\0\0\0\0\0\0two\nlines\n",
  );
  assert.deepEqual(record, expected);
  assert.throws(
    () => journalRecord({ level: "info", message: "", fields: { "x y": "" } }, "stafd"),
    /journal field/,
  );
});

Deno.test("records go to the journal's socket, less important ones are left out (STAF-2)", async () => {
  await withSocket(false, async (path, receive) => {
    const journal = new Journal({ program: "stafd", target: "journal", journal: path });
    journal.write({ level: "debug", message: "unseen" });
    journal.write({ level: "info", message: "seen" });
    assert.match(await receive(), /PRIORITY=6\nSYSLOG_IDENTIFIER=stafd\nMESSAGE=seen\n/);
    journal.level = "debug";
    journal.write({ level: "debug", message: "now" });
    assert.match(await receive(), /PRIORITY=7\n.*MESSAGE=now\n/s);
    journal.close();
  });
});

Deno.test("what would steer a terminal or turn a text around is written out, in messages and in fields", async () => {
  await withSocket(false, async (path, receive) => {
    const journal = new Journal({ program: "stafd", target: "journal", journal: path });
    const hostile = "a\u009b2Jb\u202ec\u2066d\u200be\x1b[31mf\rg";
    const fields = { NVME_SUBSYSNQN: `${hostile}\nNVME_DEVICE=nvme9` };
    journal.write({ level: "error", message: `${hostile}\nsecond line`, fields });
    const written = String.raw`a\u{9b}2Jb\u{202e}c\u{2066}d\u{200b}e\u{1b}[31mf\u{d}g`;
    const record = await receive();
    assert.equal(record.includes(`${written}\nsecond line\n`), true, record);
    assert.equal(record.includes(`NVME_SUBSYSNQN=${written}\\u{a}NVME_DEVICE=nvme9\n`), true, record);
    for (const one of ["\u009b", "\u001b", "\u202e", "\u2066", "\u200b"]) {
      assert.equal(record.includes(one), false, one.codePointAt(0)?.toString(16));
    }
    journal.close();
  });
});

Deno.test("syslog gets its priority, program and process", async () => {
  await withSocket(false, async (path, receive) => {
    const journal = new Journal({ program: "stacd", target: "syslog", syslog: path });
    journal.write({ level: "error", message: "bad" });
    assert.equal(await receive(), `<27>stacd[${Deno.pid}]: bad`);
    journal.close();
  });
});

Deno.test("a journal that does not read is not waited for, and what was lost is counted", async () => {
  await withSocket(false, async (path, receive) => {
    const journal = new Journal({ program: "stafd", target: "journal", journal: path });
    const many = 2000;
    // The queue of a datagram socket is short.
    for (let i = 0; i < many; i++) journal.write({ level: "info", message: `number ${i}` });
    const first = await receive();
    assert.match(first, /number 0\n/);
    let arrived = 1;
    let last = first;
    while (!last.includes("log messages were lost")) {
      journal.write({ level: "info", message: "after" });
      last = await receive();
      arrived++;
      assert.ok(arrived < many, "nothing was said to be lost");
    }
    assert.match(last, /MESSAGE=\d+ log messages were lost\n/);
    journal.close();
  });
});

Deno.test("where to log to", () => {
  assert.equal(logTarget(false, undefined), "plain");
  assert.equal(logTarget(false, "1:2"), "plain");
  const { dev, ino } = Deno.statSync("/proc/self/fd/2");
  assert.equal(logTarget(false, `${dev}:${ino}`), "journal");
});

for (const abstract of [false, true]) {
  Deno.test(`the service manager is told${abstract ? ", in the abstract namespace" : ""}`, async () => {
    await withSocket(abstract, async (path, receive) => {
      const log = new RememberingLog();
      const notify = new Notify(log, { socket: path, watchdogUsec: undefined });
      notify.ready("3 discovery controllers\nand more");
      assert.equal(await receive(), "READY=1\nSTATUS=3 discovery controllers and more");
      const before = sys.monotonicUsec();
      notify.reloading();
      const reloading = await receive();
      const stamp = BigInt(/^RELOADING=1\nMONOTONIC_USEC=(\d+)\n/.exec(reloading)?.[1] ?? "0");
      assert.ok(stamp >= before && stamp <= sys.monotonicUsec());
      const uptime = Number((await Deno.readTextFile("/proc/uptime")).split(" ")[0]);
      assert.ok(Math.abs(Number(stamp) / 1e6 - uptime) < 60, "not the machine's clock");
      notify.stopping();
      assert.match(await receive(), /^STOPPING=1\n/);
      notify.close();
      assert.equal(log.entries.length, 0);
    });
  });
}

Deno.test("the watchdog is fed", async () => {
  await withSocket(false, async (path, receive) => {
    const notify = new Notify(new RememberingLog(), { socket: path, watchdogUsec: 20_000 });
    notify.ready("up");
    await receive();
    assert.equal(await receive(), "WATCHDOG=1");
    assert.equal(await receive(), "WATCHDOG=1");
    notify.close();
  });
});

Deno.test("without a service manager nothing happens; one that is away is mentioned", () => {
  const log = new RememberingLog();
  new Notify(log, { socket: undefined, watchdogUsec: undefined }).ready("up");
  assert.equal(log.entries.length, 0);
  const notify = new Notify(log, { socket: "/nonexistent/socket", watchdogUsec: undefined });
  notify.ready("up");
  notify.close();
  assert.match(log.entries[0]?.message ?? "", /ENOENT/);
});
