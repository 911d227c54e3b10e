/** S15: what cannot be read of security is never a connection without it. */
import assert from "node:assert/strict";
import { stacd, stafd } from "./confs.ts";

const LINE = "transport=tcp;traddr=192.0.2.21;nqn=nqn.sub";

/** What is said of a file with this one line; nothing may be connected for it. */
function refused(more: string): string {
  const { conf, said } = stacd(`[Controllers]\ncontroller=${LINE}${more}\n`);
  assert.deepEqual(conf.controllers, [], more);
  assert.deepEqual(conf.unreadable, [2], more);
  // Which controller it means is known: others that name it do not get it unprotected.
  assert.deepEqual(conf.unusable.map(({ line }) => line.fields.subsysnqn), ["nqn.sub"], more);
  assert.match(conf.unusable[0]?.why ?? "", /^f:2:\d+: /, more);
  const errors = said.filter((text) => text.startsWith("error "));
  assert.ok(errors.length > 0, more);
  return errors.join("\n");
}

Deno.test("K3: a token that is or nearly is a security option makes its line unusable", () => {
  const column = 12 + LINE.length + 1;
  assert.equal(
    refused(";tls"),
    `error f:2:${column}: "tls" has no value; write tls=true (or false); ` +
      "its controller is not connected until this is corrected",
  );
  assert.equal(
    refused(";tsl=true"),
    `error f:2:${column}: "tsl=true": "tsl" is not an option, but tls is; write tls=true (or false); ` +
      "its controller is not connected until this is corrected",
  );
  for (
    const more of [
      ";TLS=true",
      ";Tls",
      ";--tls",
      ";-tls=true",
      ";\u2014tls",
      ";tls:true",
      ";tls true",
      ";tl=true",
      ";tlss=true",
      ";t1s=true",
      ";tls1.3=true",
      ";ssl=true",
      ";tls_mode=concat",
      ';"tls"=true',
      ";tls\u200b=true",
      ";tls=",
      ";tls=yes",
      ";Concat=true",
      ";concat",
      ";cocnat=true",
      ";concatenation=true",
      ";keyrng=.nvme",
      ";Keyring=.nvme",
      ";key_ring=.nvme",
      ";tls_key=0x1234",
      ";tls-keys=0x1234",
      ";tlskey=0x1234",
      ";tls key=0x1234",
      ";tls-key-identity=NVMe0R01",
      ";tls-configured-key=0x1",
      ";tls_keyring=.nvme",
      ";tls-psk=a",
      ";psk=a",
      ";dhchap_secret=DHHC-1:00:aaa=:",
      ";dhchap-secrte=DHHC-1:00:aaa=:",
      ";dchap-secret=DHHC-1:00:aaa=:",
      ";dhchap-secret",
      ";dhchap-key=x",
      ";dhchap_ctrl_secret=DHHC-1:00:aaa=:",
      ";dhchap-crtl-secret=DHHC-1:00:aaa=:",
      ";dhchap_key=DHHC-1:00:aaa=:",
      ";kxchap-secret=DHHC-1:00:aaa=:",
      ";kxchap-ctrl-secret=DHHC-1:00:aaa=:",
      ";kxchap-anything=1",
      ";hostkey=x",
      ";ctrl_key=x",
      ";secret=x",
      ";-S=DHHC-1:00:aaa=:",
      ";foo=DHHC-1:00:aaa=:",
      ";DHHC-1:00:aaa=:",
      ";kato=10,tls=true",
      ";kato=10 tls=true",
      ";kato=10 --tls",
      ";foo=bar, tsl=true",
    ]
  ) refused(more);
});

Deno.test("K3: what is said of it names no secret and says what to write", () => {
  const said = refused(";kxchap-secret=DHHC-1:00:c2VjcmV0:") + refused(";dhchap-secret DHHC-1:00:c2VjcmV0:");
  assert.doesNotMatch(said, /c2VjcmV0/);
  assert.match(said, /"kxchap-secret=\*\*\*\*\*": .*dhchap-secret is; write dhchap-secret=DHHC-1:HH:BASE64:/);
  assert.match(said, /a part of the entry has no value; write dhchap-secret=/);
});

Deno.test("K3: other names of nvme-cli, and other words, are no typing errors", () => {
  for (
    const word of [
      "tos",
      "duplicate-connect",
      "hostid",
      "host-id",
      "hostnqn",
      "fast-io-fail-tmo",
      "fast_io_fail_tmo",
      "keep-alive-tmo",
      "context",
      "owner",
      "persistent",
      "key",
      "foo",
      "noequalsign",
      "Kato",
      "host_iface",
    ]
  ) {
    for (const token of [`${word}=1`, word, `--${word}=1`]) {
      const { conf, said } = stacd(`[Controllers]\ncontroller=${LINE};${token}\n`);
      assert.equal(conf.controllers.length, 1, token);
      assert.ok(!said.some((text) => text.includes("not connected")), said.join());
    }
  }
  assert.equal(stacd(`[Controllers]\ncontroller=${LINE};tls=true;tls-key=0x1\n`).said.length, 0);
});

Deno.test("K3: security on an indented line is said of no controller, so the line above is not connected", () => {
  const { conf, said } = stacd(`[Controllers]\ncontroller=${LINE}\n  tls=true\n`);
  assert.deepEqual(conf.controllers, []);
  assert.equal(conf.unusable.length, 1);
  assert.match(said.join("\n"), /^error f:3:3: this indented line .* tls; append it to line 2 with ';'/m);
});

Deno.test("S15: of a security option given twice in one line the stricter counts", () => {
  for (const more of [";tls=true;tls=false", ";tls=false;tls=true"]) {
    const { conf, said } = stacd(`[Controllers]\ncontroller=${LINE}${more}\n`);
    assert.equal(conf.controllers[0]?.overrides.tls, true, more);
    assert.match(said.join("\n"), /^warning f:2:\d+: tls is given more than once with different values/m);
  }
  refused(";tls=yes;tls=false");
});

/** What is said of a file; it may be good for a start, and for no reload. */
function forStartOnly(text: string): { said: string; options: readonly string[] } {
  const { conf, said } = stacd(text);
  assert.ok(conf.unreadSecurity.length > 0, text);
  for (const { why } of conf.unreadSecurity) assert.match(why, /^f:\d+:\d+: /);
  const errors = said.filter((one) => one.startsWith("error "));
  return { said: errors.join("\n"), options: conf.unreadSecurity.map(({ option }) => option) };
}

Deno.test("K3: a name in [Global] that nearly is a security option", () => {
  const typo = forStartOnly("[Global]\ntsl=true\n");
  assert.deepEqual(typo.options, ["tls"]);
  assert.equal(
    typo.said,
    'error f:2:1: [Global] has no option "tsl", which seems to mean tls; write tls = true (or false) in [Global]; ' +
      "until then only lines that set it themselves make new connections, and a reload is refused",
  );
  for (
    const [text, option] of [
      ["[Global]\ntls: true\n", "tls"],
      ["[Global]\n--tls=true\n", "tls"],
      ["[Global]\ntls_key=0x1\n", "tls-key"],
      ["[Global]\nkxchap-secret=DHHC-1:00:aaa=:\n", "dhchap-secret"],
      ["[Global]\ndhchap-secret=DHHC-1:00:aaa=:\n", "dhchap-secret"],
      ["[Controllers]\ntls=true\n", "tls"],
      ["[global]\ntls=true\n", "tls"],
      ["[Globl]\nconcat=true\n", "concat"],
      ["[Service Discovery]\ntls=true\n", "tls"],
      ["[Global]\nkato=30\n  tls=true\n", "tls"],
      ["[Global]\nkato=30 tls=true\n", "tls"],
      ["[Global] tls=true\nkato=30\n", "tls"],
    ] as const
  ) assert.deepEqual(forStartOnly(text).options, [option], text);
  for (const text of ["[Global]\ntos=1\n", "[Global]\nkato=30 # tls=true\n", "[Global]\nfoo=tls=true\n"]) {
    assert.deepEqual(stacd(text).conf.unreadSecurity, [], text);
  }
  assert.deepEqual(stacd("[Controllers]\nexclude=dhchap-secret=a;nqn=b\n").conf.unreadSecurity, []);
});

Deno.test("S15: of a security option given twice in [Global] the stricter counts", () => {
  const { conf, said } = stafd("[Global]\ntls=true\n[Global]\ntls=false\n");
  assert.equal(conf.options.tls, true);
  assert.match(
    said.join("\n"),
    /^warning f:2:5: tls is true here and false in line 4: the stricter counts$/m,
  );
});

Deno.test("K4: two lines for one controller are said, in any spelling, with both line numbers", () => {
  const first = "traddr=192.0.2.21;trsvcid=8009;nqn=nqn.sub";
  for (
    const [a, b] of [
      [first, "traddr=192.0.2.21;nqn=nqn.sub"],
      [first, "traddr=::ffff:192.0.2.21;nqn=nqn.sub;kato=10"],
      ["traddr=FE80::1%eth0;nqn=n", "traddr=fe80:0::1;host-iface=eth0;nqn=n"],
      ["traddr=Array.example;nqn=n", "traddr=array.example.;nqn=n"],
      [first, "traddr=192.0.2.21;subsysnqn=nqn.sub"],
    ] as const
  ) {
    for (const read of [stafd, stacd]) {
      const { said } = read(`[Controllers]\ncontroller=transport=tcp;${a}\ncontroller=transport=tcp;${b}\n`);
      assert.match(said.join("\n"), /^warning f:3:12: line 3 .*line 2.*; remove one of them$/m, `${a} ${b}`);
    }
  }
  const { conf, said } = stacd(
    `[Controllers]\ncontroller=transport=tcp;${first}\ncontroller=transport=tcp;${first};tls=true;kato=5\n`,
  );
  assert.equal(conf.controllers.length, 2);
  assert.equal(
    said.join("\n"),
    "warning f:3:12: line 3 means the same controller as line 2: line 2 counts, and options of line 3 other than security " +
      "have no effect; line 3 asks for tls and line 2 does not: the stricter counts; remove one of them",
  );
  const other = (b: string) =>
    stacd(`[Controllers]\ncontroller=transport=tcp;${first}\ncontroller=${b}\n`).said;
  assert.deepEqual(other("transport=tcp;traddr=192.0.2.21;nqn=nqn.sub;host-iface=eth0"), []);
  assert.deepEqual(other("transport=tcp;traddr=192.0.2.21;nqn=nqn.other"), []);
  assert.deepEqual(other("transport=rdma;traddr=192.0.2.21;trsvcid=8009;nqn=nqn.sub"), []);
  assert.match(
    other("transport=tcp;traddr=192.0.2.21;nqn=nqn.sub;host-iface=eth0;tls=true").join(),
    /one connection can serve line 3 and line 2; line 3 asks for tls and line 2 does not: the stricter counts/,
  );
});

Deno.test("S15: a mistyped transport does not lose the security that its line asks for", () => {
  const { conf, said } = stacd(
    "[Controllers]\ncontroller=transport=TCP;traddr=192.0.2.21;nqn=nqn.sub;tls=true\n",
  );
  assert.deepEqual(conf.unusable.map(({ line }) => line.fields.transport), ["tcp"]);
  assert.match(
    said.join(),
    /^error f:2:22: transport "TCP" is not .* is not connected until this is corrected$/,
  );
});
