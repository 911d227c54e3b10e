/** How far systemd confines each unit, by its own measure, and that what is left is explained. */
import assert from "node:assert/strict";
import { capture, collect } from "../../../scripts/run.ts";
import { type Lack, lacks } from "../../lacking.ts";

const UNITS = ["systemd/stafd.service", "systemd/stacd.service", "systemd/stas-config@.service"];
const METRICS = "packaging/metrics/nvme-stas-metrics.service";
/** DEC: at most this, of 10. */
const MOST = 2.2;

/** `--offline=` came with systemd 250. */
const analyze: Lack = (): string | undefined => {
  try {
    const said = new Deno.Command("systemd-analyze", { args: ["--version"] }).outputSync();
    const version = Number(/^systemd (\d+)/.exec(new TextDecoder().decode(said.stdout))?.[1]);
    return version >= 250 ? undefined : "not installed: systemd-analyze 250 or later";
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return "not installed: systemd-analyze";
    throw error;
  }
};

const exposure = async (file: string): Promise<string> =>
  (await collect(["systemd-analyze", "security", "--offline=true", "--no-pager", file], {
    env: { SYSTEMD_COLORS: "0", LC_ALL: "C.UTF-8" },
  })).stdout;

/** Findings that the table of the threat model explains for a unit. */
async function explained(unit: string): Promise<ReadonlySet<string>> {
  const text = await Deno.readTextFile("docs/threat-model.md");
  const [, units = ""] = text.split("## The units");
  const rows = units.replaceAll("\\|", "\u0000").split("\n").map((line) =>
    line.split("|").map((cell) => cell.trim().replaceAll("\u0000", "|"))
  );
  const name = unit.replace(/^.*\//, "").replace(/\.service$/, "");
  return new Set(
    rows.filter(([, , who = ""]) => who === "all" || who.split(", ").includes(name)).map(([, what = ""]) =>
      what
    ),
  );
}

for (const unit of [...UNITS, METRICS]) {
  Deno.test({
    name:
      `${unit}: systemd-analyze security gives at most ${MOST}, and the threat model explains what is left`,
    ignore: lacks(analyze),
    fn: async () => {
      const said = await exposure(`./${unit}`);
      const value = Number(/Overall exposure level for \S+: (\d+\.\d)/.exec(said)?.[1]);
      assert.ok(value <= MOST, said.split("\n").filter((line) => !line.startsWith("\u2713")).join("\n"));
      const reasons = await explained(unit);
      const left = [...said.matchAll(/^\u2717 (\S+)/gmu)].map(([, what = ""]) => what);
      assert.deepEqual(left.filter((what) => !reasons.has(what)), [], "no reason is given for these");
    },
  });
}

Deno.test("units that connect have no limit on memory or addresses; no unit leaves a core, and tasks are bounded", async () => {
  for (const unit of [...UNITS, METRICS]) {
    const text = await Deno.readTextFile(unit);
    assert.match(text, /^LimitCORE=0$/m, unit);
    assert.match(text, /^TasksMax=\d+$/m, unit);
    if (unit.includes("/sta")) assert.doesNotMatch(text, /^(?:MemoryMax|MemoryHigh)=/m, unit);
  }
  for (const daemon of ["stafd", "stacd"]) {
    const text = await Deno.readTextFile(`systemd/${daemon}.service`);
    assert.doesNotMatch(text, /^IPAddress/m);
    const [, paths = ""] = /^ReadWritePaths=(.*)$/m.exec(text) ?? [];
    assert.equal(paths.split(" ").includes("/run"), false, "/run holds units");
    assert.match(
      text,
      /^ReadOnlyPaths=\/run$/m,
      "ProtectSystem=strict alone leaves it writable in this unit",
    );
  }
  assert.match(await capture(["cat", "systemd/stacd.service"]), /^DeviceAllow=block-blkext r$/m);
});
