/** Names and forms of other programs and of the next generation in our files. */
import assert from "node:assert/strict";
import { foreignFormat } from "../../../src/lib/config/file_format.ts";
import { parseStafdConf } from "../../../src/lib/config/stafd_conf.ts";
import { say, stacd, stafd } from "./confs.ts";

Deno.test("honor-fabric-zoning = no never ends as a disconnect, wherever it stands and whatever is beside it", () => {
  const IOC = "[I/O controller connection management]\n";
  for (
    const text of [
      `${IOC}honor-fabric-zoning = no\n`,
      "[Global]\nhonor-fabric-zoning=false\n",
      "[I/O Controllers]\nhonor-fabric-zoning = no\n[Global]\n",
      `${IOC}honor-fabric-zoning = nope\n`,
      `${IOC}honor-fabric-zoning\n`,
      `${IOC}disconnect-scope = all-connections-matching-disconnect-trtypes\nhonor-fabric-zoning = no\n`,
    ]
  ) {
    const { conf, said } = stacd(text);
    assert.equal(conf.disconnectScope.value, "no-disconnect", text);
    assert.ok(
      said.some((one) => /warning .*honor-fabric-zoning .*disconnect-scope = no-disconnect/.test(one)),
      said.join(),
    );
  }
  assert.equal(
    stacd(`${IOC}honor-fabric-zoning = yes\n`).conf.disconnectScope.value,
    "only-stas-connections",
  );
});

Deno.test("dc-giveup-timeout is the persistence; what may mean something else here keeps for ever", () => {
  const DC = "[Discovery controller connection management]\n";
  const of = (value: string, more = ""): number =>
    stafd(`${DC}dc-giveup-timeout = ${value}\n${more}`).conf.zeroconfPersistence.value.ms;
  assert.equal(of("3600"), 3_600_000);
  assert.equal(of("2h"), 7_200_000);
  assert.equal(of("1min"), 60_000);
  for (const value of ["1M", "2w", "1y", "infinity", "1h 3M", "soon"]) {
    assert.equal(of(value), Infinity, value);
  }
  assert.equal(of("60", "zeroconf-connections-persistence = 2 hours\n"), 7_200_000);
});

Deno.test("renamed options are called by their names here", () => {
  assert.match(stacd("[Global]\nkeep-alive-tmo = 5\n").said.join(), /error .*keep-alive-tmo .*write kato/);
  const { said } = stacd("[Controllers]\ncontroller = trtype=tcp;traddr=192.0.2.1;nqn=nqn.s\n");
  assert.match(said.join("\n"), /transport is missing .*use transport instead of trtype/);
});

Deno.test("an entry of another form gets the hint that helps", () => {
  const of = (entry: string): string => stafd(`[Controllers]\ncontroller = ${entry}\n`).said.join("\n");
  assert.match(of('"transport=tcp;traddr=192.0.2.1"'), /the quotes/);
  assert.match(of("traddr=192.0.2.1,transport=tcp"), /separated by ';'/);
  assert.match(of("--transport=tcp --traddr=192.0.2.1"), /options of nvme-cli/);
  const indented = stafd(
    "[Controllers]\ncontroller = transport=tcp;traddr=192.0.2.1\n  controller = transport=tcp;traddr=192.0.2.2\n",
  );
  assert.match(indented.said.join("\n"), /f:3:\d+: .*remove the leading spaces/);
  assert.ok(indented.conf.unreadable.includes(3));
});

Deno.test("files of other programs are named, and never taken for an empty one", () => {
  const files: readonly (readonly [string, string])[] = [
    ["# nvme-cli\n--transport=tcp --traddr=192.0.2.1 --trsvcid=8009\n", "nvme-cli's discovery.conf"],
    ["-t tcp -a 192.0.2.1\n", "nvme-cli's discovery.conf"],
    ['[\n  { "hostnqn": "nqn.h", "subsystems": [] }\n]\n', "nvme-cli's config.json"],
    ["[Discovery Controller]\ncontroller = transport=tcp;traddr=192.0.2.1\n", "a file of nvme-stas 3"],
    ["[Host]\nhostnqn = nqn.h\n[Subsystem]\nnqn = nqn.s\ncontroller = x\n", "a file of nvme-stas 3"],
  ];
  for (const [text, what] of files) {
    const parsed = parseStafdConf(text, "f");
    assert.equal(parsed.ok, false, text);
    assert.match(say(parsed.findings).join(), new RegExp(`^error f:1:1: this is ${what}`));
  }
  for (const text of ["", "# nothing\n", "[Global]\n", "[Discovery Controller]\n[Controllers]\n"]) {
    assert.equal(foreignFormat(text), undefined, text);
  }
  const { said } = stafd("[Controllers]\n[Subsystem]\ncontroller=x\n");
  assert.match(said.join(), /error f:2:1: section \[Subsystem\] is of nvme-stas 3/);
});
