import assert from "node:assert/strict";
import { clearSysOption, setSysOption } from "../../../src/lib/config/sys_conf_edit.ts";
import type { SysOption } from "../../../src/lib/config/sys_conf.ts";

function set(text: string | undefined, option: SysOption, value: string): string {
  const edited = setSysOption(text, "sys.conf", option, value);
  if (!edited.ok) assert.fail(JSON.stringify(edited));
  return edited.text;
}

function clear(text: string | undefined, option: SysOption): string {
  const edited = clearSysOption(text, "sys.conf", option);
  if (!edited.ok) assert.fail(JSON.stringify(edited));
  return edited.text;
}

Deno.test("CLI-66: a new file looks as the original's", () => {
  const first = set(undefined, "id", "file:///etc/nvme/hostid");
  assert.equal(first, "[Host]\nid = file:///etc/nvme/hostid\n\n");
  assert.equal(
    set(first, "symname", "Luke Sky"),
    "[Host]\nid = file:///etc/nvme/hostid\nsymname = Luke Sky\n\n",
  );
});

Deno.test("CLI-66, CFG-79: comments, layout and other lines stay; several lines become one", () => {
  const text =
    "# top\n\n[Other]\nnqn=keep\n\n[Host]\n; about nqn\n  nqn=a\n     continued\n # c\n  id=1\n\n[Host]\nNQN = b\nbare\n";
  assert.equal(
    set(text, "nqn", "nqn.new"),
    "# top\n\n[Other]\nnqn=keep\n\n[Host]\n; about nqn\n # c\n  id=1\n\n[Host]\nnqn = nqn.new\nbare\n",
  );
  assert.equal(
    clear(text, "nqn"),
    "# top\n\n[Other]\nnqn=keep\n\n[Host]\n; about nqn\n # c\n  id=1\n\n[Host]\nbare\n",
  );
});

Deno.test("a new line takes the place, the indentation and the ending of its neighbours", () => {
  assert.equal(
    set("[Host]\r\n  id=1\r\n\r\n# end", "key", "k"),
    "[Host]\r\n  id=1\r\n  key = k\r\n\r\n# end",
  );
  assert.equal(set("[Host]", "id", "1"), "[Host]\nid = 1\n");
  assert.equal(
    set("[Host]\n# c\n\n   [Next]\nx=1\n", "id", "1"),
    "[Host]\n   id = 1\n# c\n\n   [Next]\nx=1\n",
  );
  assert.equal(set("[Host]\nid=1", "id", "2"), "[Host]\nid = 2");
  assert.equal(set("[Next]\nx=1", "id", "2"), "[Next]\nx=1\n\n[Host]\nid = 2\n\n");
  assert.equal(set("[Next]\n\n", "id", "2"), "[Next]\n\n[Host]\nid = 2\n\n");
  assert.equal(set("# only a comment\n", "id", "2"), "# only a comment\n\n[Host]\nid = 2\n\n");
});

Deno.test("clearing what is not set changes nothing", () => {
  assert.equal(clear("[Host]\n id=1\n", "symname"), "[Host]\n id=1\n");
  assert.equal(clear(undefined, "symname"), "");
});

Deno.test("a value that no line can hold, and a broken file, are refused", () => {
  for (const value of ["", " a", "a ", "a\nb", "a\rb"]) {
    const edited = setSysOption("[Host]\n", "f", "symname", value);
    assert.ok(!edited.ok && edited.why === "value", JSON.stringify(value));
  }
  const broken = setSysOption("nqn=x\n", "f", "symname", "a");
  assert.ok(!broken.ok && broken.why === "file" && broken.findings.length === 1);
  assert.equal(clearSysOption("=\n", "f", "symname").ok, false);
});
