import assert from "node:assert/strict";
import { effectiveSys } from "../../../src/lib/config/effective.ts";
import { type FileText, parseSysConf, type ReadFile, readSysConf } from "../../../src/lib/config/sys_conf.ts";
import { originText } from "../../../src/lib/config/origin.ts";
import { say } from "./confs.ts";

const NQN = "nqn.2014-08.org.nvmexpress:uuid:1b4e28ba-2fa1-41d2-883f-0016d3cca427";
const ID = "1b4e28ba-2fa1-41d2-883f-0016d3cca427";
const KEY =
  "DHHC-1:03:c3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc/P28Pw=:";

/** Files by path; a path that is not listed is missing. */
function files(texts: Readonly<Record<string, string | FileText>>): ReadFile {
  const byPath = new Map(Object.entries(texts));
  return (path) => {
    const found = byPath.get(path) ?? { ok: false, why: "missing", message: "no such file" };
    return typeof found === "string" ? { ok: true, text: found } : found;
  };
}

const HOST_FILES = { "/etc/nvme/hostnqn": `${NQN}\n`, "/etc/nvme/hostid": `${ID}\n` };

/** What is said when the host has no usable identity. */
function refused(text: string | undefined, read: ReadFile): readonly string[] {
  const parsed = parseSysConf(text, "sys.conf", read);
  assert.equal(parsed.ok, false);
  return say(parsed.findings);
}

Deno.test("TST-20: values given inline", () => {
  const text = `[Host]\nnqn = ${NQN}\nid=${ID}\nkey=${KEY}\nsymname = Luke Sky\n`;
  const parsed = parseSysConf(text, "sys.conf", files({}));
  assert.ok(parsed.ok);
  assert.deepEqual(parsed.findings, []);
  const { nqn, id, key, symname } = parsed.conf;
  assert.deepEqual([nqn.value, id.value, key.value?.reveal(), symname.value], [NQN, ID, KEY, "Luke Sky"]);
  assert.deepEqual([nqn, id, key, symname].map((v) => originText(v.origin)), [
    "sys.conf:2",
    "sys.conf:3",
    "sys.conf:4",
    "sys.conf:5",
  ]);
});

Deno.test("CFG-70 to CFG-73: without a file the values come from their places, and only nqn and id must be there", () => {
  const parsed = parseSysConf(undefined, "sys.conf", files(HOST_FILES));
  assert.ok(parsed.ok);
  assert.deepEqual(parsed.findings, []);
  assert.equal(parsed.conf.nqn.value, NQN);
  assert.equal(originText(parsed.conf.nqn.origin), "/etc/nvme/hostnqn:1");
  assert.equal(parsed.conf.key.value, undefined);
  assert.equal(parsed.conf.symname.value, "");

  const withKey = parseSysConf(
    undefined,
    "sys.conf",
    files({ ...HOST_FILES, "/etc/nvme/hostkey": ` ${KEY} x\n` }),
  );
  assert.ok(withKey.ok);
  assert.equal(withKey.conf.key.value?.reveal(), KEY);
});

Deno.test("CFG-74: the first word of the first line of a file", () => {
  const read = files({
    ...HOST_FILES,
    "/a": "  word and more\nsecond\n",
    "rel": "r",
    "/blank": "\nx\n",
    "/empty": "",
  });
  const symname = (value: string): string => {
    const parsed = parseSysConf(`[Host]\nsymname=${value}\n`, "sys.conf", read);
    assert.ok(parsed.ok);
    return parsed.conf.symname.value;
  };
  assert.equal(symname("file:///a"), "word");
  assert.equal(symname("file://rel"), "r");
  assert.equal(symname("file:///blank"), "");
  assert.equal(symname("file:///empty"), "");
  assert.equal(symname("File:///a"), "File:///a");
});

Deno.test("TST-23, CFG-76: what cannot be read is fatal for nqn and id, and reported for the others", () => {
  const text = "[Host]\nnqn=file:///n\nid=file:///i\nkey=file:///k\nsymname=file:///s\n";
  assert.deepEqual(refused(text, files({})), [
    'error sys.conf:2:5: the host has no NQN: /n does not exist; create one with "stasadm hostnqn -f /etc/nvme/hostnqn"',
    'error sys.conf:3:4: the host has no ID: /i does not exist; create one with "stasadm hostid -f /etc/nvme/hostid"',
    "error sys.conf:4:5: the host has no key: /k does not exist; correct the option, or remove it; until then only lines " +
    "with a dhchap-secret make new connections, and a reload is refused",
    "error sys.conf:5:9: there is no symbolic name: /s does not exist",
  ]);
  const denied: FileText = { ok: false, why: "unreadable", message: "permission denied" };
  const said = refused(
    undefined,
    files({ ...HOST_FILES, "/etc/nvme/hostnqn": denied, "/etc/nvme/hostkey": denied }),
  );
  assert.match(
    said[0] ?? "",
    /^error \/etc\/nvme\/hostnqn:1:1: .* cannot be read: permission denied; create one/,
  );
  assert.match(said[1] ?? "", /^error \/etc\/nvme\/hostkey:1:1: the host has no key: .*permission denied/);
});

Deno.test("TST-21, CFG-77: an empty file gives no NQN, and that is fatal", () => {
  assert.match(
    refused("[Host]\nnqn=file:///dev/null\n", files({ ...HOST_FILES, "/dev/null": "" }))[0] ?? "",
    /the first line of \/dev\/null is empty/,
  );
});

Deno.test("TST-22, TST-25, CFG-75: an NQN that is none is fatal; the ID is still readable", () => {
  const read = files(HOST_FILES);
  assert.match(refused("[Host]\nnqn=qnq.x\n", read)[0] ?? "", /"qnq\.x" does not start with "nqn\."/);
  assert.match(refused("[Host]\nnqn=\n", read)[0] ?? "", /"" does not start with "nqn\."/);
  const long = `nqn.${"x".repeat(220)}`;
  assert.match(refused(`[Host]\nnqn=${long}\n`, read)[0] ?? "", /longer than 223 bytes/);
  const limit = parseSysConf(`[Host]\nnqn=${long.slice(0, 223)}\n`, "sys.conf", read);
  assert.ok(limit.ok);
  assert.match(
    say(limit.findings)[0] ?? "",
    /has 223 bytes: .* Linux takes no more than 222; connecting will fail/,
  );
  const fits = parseSysConf(`[Host]\nnqn=${long.slice(0, 222)}\n`, "sys.conf", read);
  assert.ok(fits.ok);
  assert.deepEqual(fits.findings, []);
  const parts = readSysConf("[Host]\nnqn=qnq.x\n", "sys.conf", read);
  assert.ok(parts.ok);
  assert.ok("error" in parts.parts.nqn);
  assert.ok("value" in parts.parts.id && parts.parts.id.value === ID);
});

Deno.test("CFG-71: an ID that is no UUID is used, and said", () => {
  const parsed = parseSysConf("[Host]\nid=abc\n", "sys.conf", files(HOST_FILES));
  assert.ok(parsed.ok);
  assert.equal(parsed.conf.id.value, "abc");
  assert.match(say(parsed.findings)[0] ?? "", /^error sys\.conf:2:4: host ID "abc" is not a UUID/);
  const empty = parseSysConf("[Host]\nid=\n", "sys.conf", files(HOST_FILES));
  assert.ok(empty.ok && empty.conf.id.value === "" && empty.findings.length === 1);
});

Deno.test("CFG-78, CFG-11: the last value counts; a bare name is none", () => {
  const parsed = parseSysConf(`[Host]\nsymname=a\nsymname=b\nid\n; c\n`, "sys.conf", files(HOST_FILES));
  assert.ok(parsed.ok);
  assert.equal(parsed.conf.symname.value, "b");
  assert.equal(parsed.conf.id.value, ID);
  assert.deepEqual(say(parsed.findings), [
    "notice sys.conf:2:1: symname is given more than once; line 3 counts",
    "error sys.conf:4:1: id has no value; the line is ignored",
  ]);
});

Deno.test("findings are in the order of sys.conf, those about other files come last", () => {
  const said = refused(
    "[Host]\nid\nsymname=file:///s\nnqn=x\n",
    files({ "/etc/nvme/hostid": "x", "/etc/nvme/hostnqn": "" }),
  );
  assert.deepEqual(said.map((text) => text.split(": ")[0]), [
    "error sys.conf:2:1",
    "error sys.conf:3:9",
    "error sys.conf:4:5",
    "error /etc/nvme/hostid:1:1",
  ]);
});

Deno.test("CFG-5: a broken file is refused", () => {
  assert.match(refused("nqn=x\n", files(HOST_FILES))[0] ?? "", /^error sys\.conf:1:1: .*rejected$/);
});

Deno.test("names that look mistyped are reported, others are allowed", () => {
  const parsed = parseSysConf(
    "[host]\nx=1\n[Host]\nhostnqn=nqn.a\nsym-name=b\nfoo=c\n[Other]\n",
    "s",
    files(HOST_FILES),
  );
  assert.ok(parsed.ok);
  assert.deepEqual(say(parsed.findings), [
    'error s:1:1: section "host" is ignored (did you mean "[Host]"?)',
    'error s:4:1: option "hostnqn" is ignored (did you mean "nqn"?)',
    'error s:5:1: option "sym-name" is ignored (did you mean "symname"?)',
  ]);
});

Deno.test("S8: the key is in no finding and no JSON", () => {
  for (const key of [KEY, "super-secret", "DHHC-1:00:notbase64!!:"]) {
    const parsed = parseSysConf(`[Host]\nkey=x\nkey=${key}\n  \n`, "s", files(HOST_FILES));
    assert.ok(parsed.ok);
    assert.equal(parsed.conf.key.value?.reveal(), key);
    assert.ok(!JSON.stringify(parsed).includes(key));
    assert.ok(!JSON.stringify(effectiveSys(parsed.conf)).includes(key));
    assert.ok(!Deno.inspect(parsed, { depth: 20 }).includes(key));
  }
});

Deno.test("K3: a key that is asked for and not read is no permission to connect without one", () => {
  const key = "DHHC-1:00:c2VjcmV0:";
  const problem = (text: string): string => {
    const parsed = parseSysConf(text, "sys.conf", files(HOST_FILES));
    assert.ok(parsed.ok, text);
    assert.ok(!JSON.stringify(parsed).includes("c2VjcmV0"), text);
    const why = parsed.conf.keyProblem ?? "";
    if (why !== "") {
      assert.match(say(parsed.findings).join("\n"), /^error sys\.conf:\d+:\d+: .*make new connections/m);
    }
    return why;
  };
  for (
    const line of [
      `kye=${key}`,
      `hostkey=${key}`,
      `host-key=${key}`,
      `--key=${key}`,
      `dhchap-secret=${key}`,
      `kxchap-secret=${key}`,
      `key: ${key}`,
      "key",
      "key=file:///missing",
    ]
  ) assert.match(problem(`[Host]\n${line}\n`), /^sys\.conf:2:\d+: /, line);
  assert.match(problem(`[host]\nkey=${key}\n`), /^sys\.conf:2:1: \[host\] "key" is ignored/);
  for (const line of [`key=${key}`, "foo=1", "symname=key", "key="]) {
    assert.equal(problem(`[Host]\n${line}\n`), "");
  }
});
