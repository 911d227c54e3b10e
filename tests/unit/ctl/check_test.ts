import assert from "node:assert/strict";
import { main as stacctl } from "../../../src/ctl/stacctl.ts";
import { main as stafctl } from "../../../src/ctl/stafctl.ts";
import { fakeWorld } from "./fake_world.ts";

async function check(
  files: Readonly<Record<string, string>>,
  program: typeof stafctl,
  ...args: readonly string[]
): Promise<readonly [number, string, string]> {
  const confDir = await Deno.makeTempDir();
  for (const [name, text] of Object.entries(files)) {
    await Deno.writeTextFile(`${confDir}/${name}`, text.replaceAll("DIR", confDir), { mode: 0o600 });
  }
  const world = fakeWorld({ confDir });
  const status = await program(["check", ...args.map((arg) => arg.replace("DIR", confDir))], world);
  await Deno.remove(confDir, { recursive: true });
  const out = world.out.text.replaceAll(confDir, "DIR");
  return [status, out, world.err.text.replaceAll(confDir, "DIR")];
}

const SYS =
  "[Host]\nnqn=nqn.2014-08.org.example:h\nid=01234567-0123-0123-0123-0123456789ab\nkey=DHHC-1:00:c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LTMyYnki0dbq:\n";

Deno.test("check needs no bus; good files are good, and every value says where it is from", async () => {
  const [status, out, err] = await check({ "stafd.conf": "[Global]\ntron=true\n", "sys.conf": SYS }, stafctl);
  assert.deepEqual([status, err], [0, ""]);
  assert.match(
    out,
    /^DIR\/stafd.conf: good\nSECTION +OPTION +VALUE +FROM\n\[Global\] +tron +true +DIR\/stafd.conf:2\n/,
  );
  assert.match(out, /\[Global\] +kato +30 +default\n/);
  assert.match(out, /DIR\/sys.conf: good\n/);
  assert.match(out, /nqn +nqn.2014-08.org.example:h +DIR\/sys.conf:2\n/);
  assert.ok(!out.includes("c2VjcmV0LXNl"), "a secret is shown");
});

Deno.test("findings have their place and severity; errors give exit status 1, warnings with --strict only", async () => {
  const odd = { "my.conf": "[Global]\nkato=-5\n" };
  const [warned, out] = await check(odd, stacctl, "DIR/my.conf");
  assert.equal(warned, 0);
  assert.equal((await check(odd, stacctl, "--strict", "DIR/my.conf"))[0], 1);
  assert.equal((await check({ "my.conf": "[Global]\nkato=30\n" }, stacctl, "--strict", "DIR/my.conf"))[0], 0);
  assert.equal((await check({ "my.conf": "[Global]\nkato=x\n" }, stacctl, "DIR/my.conf"))[0], 1);
  assert.match(out, /^DIR\/my.conf: 1 finding\nDIR\/my.conf:2:6: warning: /);
  assert.equal((await check({ "my.conf": "[Nonsense]\n" }, stacctl, "DIR/my.conf"))[0], 1);
  const [refused, words] = await check({ "my.conf": "before=section\n" }, stafctl, "DIR/my.conf");
  assert.equal(refused, 1);
  assert.match(words, /^DIR\/my.conf: invalid: the daemon would reject it\nDIR\/my.conf:1:1: error: /);
});

Deno.test("the values are those in force: what is left out is not one, and a span has the words that one writes", async () => {
  const text = "[Global]\nkato=-5\nreconnect-delay=-7\nctrl-loss-tmo=-1\n" +
    "[I/O controller connection management]\nin-use-window=60\nyoung-page-soak=1\n";
  const [, out] = await check({ "stacd.conf": text }, stacctl, "DIR/stacd.conf");
  assert.match(out, /\[Global\] +kato +- +default\n/);
  assert.match(out, /\[Global\] +reconnect-delay +- +default\n/);
  assert.match(out, /\[Global\] +ctrl-loss-tmo +-1 +DIR\/stacd.conf:4\n/);
  assert.match(out, /in-use-window +1 minute +DIR/);
  assert.match(out, /young-page-soak +1 second +DIR/);
});

Deno.test("a file is the daemon's whose name it has", async () => {
  const files = { "stacd.conf": "[I/O controller connection management]\ndisconnect-scope=no-disconnect\n" };
  const [status, out] = await check(files, stafctl, "DIR/stacd.conf");
  assert.equal(status, 0);
  assert.match(out, /disconnect-scope +no-disconnect/);
});

Deno.test("only a file that is asked for must be there; without a host NQN the daemons do not start", async () => {
  const [status, out] = await check({ "sys.conf": SYS }, stafctl);
  assert.equal(status, 0);
  assert.match(out, /^DIR\/stafd.conf: does not exist, so all values are the defaults\n/);
  const [missing, , err] = await check({}, stafctl, "DIR/none.conf");
  assert.equal(missing, 1);
  assert.match(err, /none.conf does not exist\n$/);
});

Deno.test("as JSON", async () => {
  const [status, out] = await check(
    { "stafd.conf": "[Global]\nkato=x\n", "sys.conf": SYS },
    stafctl,
    "-o",
    "json",
  );
  assert.equal(status, 1);
  const parsed: unknown = JSON.parse(out);
  assert.ok(Array.isArray(parsed) && parsed.length === 2);
  const [first] = parsed;
  assert.deepEqual(Object.keys(first), ["file", "present", "valid", "findings", "values"]);
  assert.deepEqual(first.values[0], { section: "Global", option: "tron", value: "false", origin: "default" });
});

Deno.test("K3, K4: security that cannot be read gives exit status 1; two lines for one controller are named", async () => {
  const line = "controller = transport=tcp;traddr=192.0.2.21;nqn=nqn.sub";
  for (
    const text of [
      `[Controllers]\n${line};tls\n`,
      `[Controllers]\n${line};tsl=true\n`,
      `[Controllers]\n${line};kxchap-secret=DHHC-1:00:c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LTMyYnki0dbq:\n`,
      "[Global]\ntsl = true\n",
      "[Controllers]\ntls = true\n",
    ]
  ) {
    for (const [program, name] of [[stacctl, "stacd.conf"], [stafctl, "stafd.conf"]] as const) {
      const [status, out] = await check({ [name]: text, "sys.conf": SYS }, program);
      assert.equal(status, 1, text);
      assert.match(out, /\.conf:2:\d+: error: .*write (tls|dhchap-secret) ?=/, text);
      assert.ok(!out.includes("c2VjcmV0LXNl"), out);
    }
  }
  const [status, out] = await check({
    "stacd.conf": `[Controllers]\n${line}\n${line.replace("192", "::ffff:192")};tls=true\n`,
    "sys.conf": SYS,
  }, stacctl);
  assert.equal(status, 0);
  assert.match(
    out,
    /stacd\.conf:3:14: warning: line 3 means the same controller as line 2: .*the stricter counts/,
  );
});
