import assert from "node:assert/strict";
import { expectations, readmeCommands } from "../../fresh/expectations.ts";
import { aptSettings, passedOn } from "../../fresh/host.ts";

const INSTALL = "Install with:\n  sudo apt-get update && sudo apt-get install -y -qq dbus\n";
const missing = `demo: missing: dbus-daemon. ${INSTALL}`;
const tested = (line: string, more = "") => ({ code: 0, stdout: `ok      types (1.0 s)\n${more}${line}\n` });

Deno.test("the commands are those of the README", async () => {
  const [demo, test] = readmeCommands(await Deno.readTextFile("README.md"));
  assert.match(demo, /^npx -y deno@[\d.]+ task demo$/);
  assert.match(test, /^npx -y deno@[\d.]+ task test$/);
  assert.throws(() => readmeCommands("# nothing\n"), /README\.md has no line with "task demo"/);
});

Deno.test("a user without packages is told what to install, by both, without a stack trace", () => {
  assert.deepEqual(expectations("user", "demo", { code: 1, stdout: missing }), []);
  assert.notDeepEqual(expectations("user", "demo", { code: 0, stdout: missing }), []);
  assert.notDeepEqual(expectations("user", "demo", { code: 1, stdout: "demo: missing: dbus-daemon\n" }), []);
  assert.notDeepEqual(
    expectations("user", "demo", { code: 1, stdout: `${missing}    at main (file:///x.ts:1:1)\n` }),
    [],
  );
  const skipped = "skipped 2: not installed: dbus-daemon\nskipped 1: needs root: acts as another user\n";
  const good = tested("test: 9 passed, 0 failed, 3 skipped", skipped + INSTALL);
  assert.deepEqual(expectations("user", "test", good), []);
  assert.notDeepEqual(expectations("user", "test", { ...good, code: 1 }), []);
  assert.notDeepEqual(
    expectations("user", "test", tested("test: 9 passed, 0 failed, 3 skipped", skipped)),
    [],
  );
  assert.notDeepEqual(
    expectations("user", "test", tested("test: 9 passed, 0 failed, 4 skipped", skipped + INSTALL)),
    [],
    "one without a reason",
  );
});

Deno.test("with packages only what needs root is skipped; for root nothing is", () => {
  const root =
    "skipped 2: needs root: acts as another user\nWhat needs root runs with:\n  sudo npx -y deno@2 task test\n";
  const line = "test: 9 passed, 0 failed, 2 skipped";
  assert.deepEqual(expectations("user with packages", "test", tested(line, root)), []);
  assert.notDeepEqual(
    expectations("user with packages", "test", tested(line, "skipped 2: not installed: zsh\n")),
    [],
  );
  assert.deepEqual(expectations("root", "test", tested("test: 9 passed, 0 failed")), []);
  assert.notDeepEqual(expectations("root", "test", tested(line, root)), []);
  for (const stdout of ["", "test: 0 passed, 0 failed", "test: 9 passed, 1 failed"]) {
    assert.notDeepEqual(expectations("root", "test", { code: 0, stdout }), [], stdout);
  }
  assert.deepEqual(expectations("root", "demo", { code: 0, stdout: "Done in 9 s.\n" }), []);
  assert.notDeepEqual(expectations("root", "demo", { code: 0, stdout: "" }), []);
});

Deno.test("a tree takes over how this machine gets packages, and nothing else", () => {
  const dump = [
    'APT::Architecture "amd64";',
    'Acquire "";',
    'Acquire::http::Proxy "http://proxy.example:3128";',
    'Acquire::Check-Valid-Until "false";',
    'Acquire::Languages:: "none";',
    'Acquire::IndexTargets::deb::Packages::MetaKey "$(COMPONENT)/Packages";',
  ].join("\n");
  assert.equal(
    aptSettings(dump),
    'Acquire::http::Proxy "http://proxy.example:3128";\nAcquire::Check-Valid-Until "false";\n',
  );
  assert.deepEqual(
    passedOn({
      HTTPS_PROXY: "p",
      no_proxy: "n",
      NODE_EXTRA_CA_CERTS: "/c",
      HOME: "/root",
      NPM_TOKEN: "secret",
    }),
    { HTTPS_PROXY: "p", no_proxy: "n", NODE_EXTRA_CA_CERTS: "/c" },
  );
});
