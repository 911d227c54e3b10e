/** What `check` once called good: entries that other lines, the form of a value or a missing "=" make useless. */
import assert from "node:assert/strict";
import { parseSysConf } from "../../../src/lib/config/sys_conf.ts";
import { say, stacd, stafd } from "./confs.ts";

const LINE = "transport=tcp;traddr=192.0.2.1";

function onlyFinding(file: string, pattern: RegExp, of = stafd): void {
  const { said } = of(file);
  assert.equal(said.length, 1, `${file}${said.join("\n")}`);
  assert.match(said[0] ?? "", pattern, file);
}

Deno.test("a controller that a line of the same file excludes is never connected, and that is said of it", () => {
  for (const exclude of [LINE, "transport=tcp", "nqn=", "host-iface="]) {
    onlyFinding(
      `[Controllers]\ncontroller = ${LINE}\nexclude = ${exclude}\n`,
      /^error f:2:14: line 3 excludes this controller, so it is never connected/,
    );
  }
  const network = stafd(`[Controllers]\nexclude = traddr=192.0.2.0/24\ncontroller = ${LINE}\n`).said;
  assert.match(network.join("\n"), /error f:3:14: line 2 excludes this controller/);
  const named = "transport=tcp;traddr=dc.example.com";
  onlyFinding(`[Controllers]\ncontroller = ${named}\nexclude = traddr=dc.example.com\n`, /line 3 excludes/);
  for (const exclude of ["traddr=192.0.2.2", "transport=rdma", "host-nqn=nqn.h", "trsvcid=4420"]) {
    assert.deepEqual(stafd(`[Controllers]\ncontroller = ${LINE}\nexclude = ${exclude}\n`).said, [], exclude);
  }
});

Deno.test("excludes that no controller can match", () => {
  const cases: readonly (readonly [string, RegExp])[] = [
    ["traddr=[fe80::1]", /neither an IP address nor a host name .*no brackets/],
    ["traddr=192.0.2.1:8009", /the port is given as trsvcid/],
    ["traddr=http://192.0.2.1/", /is not a network|neither an IP address/],
    ["traddr=a b", /neither an IP address nor a host name/],
    ["host-iface=eth0,eth1", /no interface is called "eth0,eth1"/],
    ["host-iface=none", /no interface is called "none"/],
    ["transport=tcp;traddr=nn-0x1:pn-0x2", /is an FC address, which no tcp controller has/],
    ["traddr=fe80::1%eth0;host-iface=eth1", /differs from the interface of traddr/],
  ];
  for (const [entry, pattern] of cases) {
    const { said } = stafd(`[Controllers]\nexclude = ${entry}\n`);
    assert.equal(said.length, 1, `${entry}: ${said.join("\n")}`);
    assert.match(said[0] ?? "", /^error .*this entry excludes nothing$/, entry);
    assert.match(said[0] ?? "", pattern, entry);
  }
  for (
    const entry of [
      "traddr=nn-0x1:pn-0x2",
      "traddr=fe80::1%eth0",
      "traddr=array1_a.example.com",
      "traddr=::1",
    ]
  ) {
    assert.deepEqual(stafd(`[Controllers]\nexclude = ${entry}\n`).said, [], entry);
  }
});

Deno.test("an entry without its first '=' is an error, and takes nothing away (S2)", () => {
  const missing = stacd("[Controllers]\ncontroller transport=tcp;traddr=192.0.2.1;nqn=nqn.a\n");
  assert.match(missing.said.join(), /^error f:2:1: .*write "controller = \.\.\."/);
  assert.deepEqual(missing.conf.unreadable, [2]);
  onlyFinding("[Controllers]\nexclude transport=tcp\n", /^error f:2:1: .*write "exclude = \.\.\."/);
  onlyFinding("[Global]\nkato 30\n", /^error f:2:1: .*write "kato = \.\.\."/);
});

Deno.test("what belongs in an entry, or in another file, is told where it belongs", () => {
  for (const option of ["host-iface", "traddr", "host-traddr", "trsvcid", "nqn", "host-nqn"]) {
    onlyFinding(`[Global]\n${option} = x\n`, /^error f:2:1: .*\(it belongs in a controller entry\)/);
  }
  onlyFinding("[Host]\nnqn = nqn.h\n", /^error f:1:1: .*no section \[Host\] \(it belongs in sys\.conf\)/);
  onlyFinding(
    `[Controllers]\ncontroller = ${LINE};tos=3\n`,
    /^error f:2:45: key "tos" has no effect: .*does not pass it/,
  );
});

Deno.test("a value that cannot be right, or that another option takes back", () => {
  const entry = (more: string, pattern: RegExp, global = ""): void =>
    onlyFinding(`${global}[Controllers]\ncontroller = ${more}\n`, pattern);
  entry("transport=tcp,traddr=192.0.2.1", /pairs are separated by ';', not by ','/);
  entry("transport=tcp;traddr=192.0.2.1:8009", /the port is given as trsvcid/);
  entry(`${LINE};nqn=nqn.2014-08.org.example:cdc x`, /nqn .* contains a space/);
  entry(
    `${LINE};host-id=1b4e28ba-2fa1-41d2-883f-0016d3cca427;host-nqn=nqn.a b`,
    /host-nqn .* contains a space/,
  );
  entry("transport=tcp;traddr=fe80::1%eth0;host-iface=eth1", /differs from the interface of traddr/);
  entry(
    `${LINE};host-iface=eth0`,
    /host-iface has no effect with ignore-iface = true/,
    "[Global]\nignore-iface = true\n",
  );
  assert.deepEqual(
    stafd("[Controllers]\ncontroller = transport=tcp;traddr=fe80::1%eth0;host-iface=eth0\n").said,
    [],
  );
});

Deno.test("a host NQN with a blank or a comma in it is nobody's", () => {
  for (const nqn of ["nqn.2014-08.org.example:h # why", "nqn.2014-08.org.example:a,b"]) {
    const parsed = parseSysConf(
      `[Host]\nnqn = ${nqn}\nid = 1b4e28ba-2fa1-41d2-883f-0016d3cca427\n`,
      "f",
      () => ({
        ok: false,
        why: "missing",
        message: "",
      }),
    );
    assert.match(say(parsed.findings).join(), /^error f:2:7: host NQN .* contains a (?:space|comma)/);
  }
});
