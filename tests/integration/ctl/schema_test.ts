/** What the tools print and the daemons answer is what the installed JSON Schemas say: judged by ajv, which knows nothing of us. */
import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";
import assert from "node:assert/strict";
import { BUNDLES, SCHEMA_FOLDER } from "../../../scripts/package/schema_bundles.ts";
import { toolDefinition } from "../../../scripts/package/man_commands.ts";
import { isRecord } from "../../../src/lib/dbus/json_reader.ts";
import { entryFor } from "../../../src/lib/sim/discovery.ts";
import { WELL_KNOWN_DISC_NQN } from "../../../src/lib/nvme/tid.ts";
import { HOST_NQN } from "../../simulation/landscape.ts";
import { line, type Site, withSite } from "./site.ts";

/** The schemas as installed, but for what is not described: that is an error here, and allowed there. */
function validators(): (bundle: keyof typeof BUNDLES, document: string) => ValidateFunction {
  const ajv = new Ajv2020({ allErrors: true, strict: true });
  for (const name of Object.keys(BUNDLES)) {
    const schema: unknown = JSON.parse(Deno.readTextFileSync(`${SCHEMA_FOLDER}/${name}`));
    assert.ok(ajv.validateSchema(Object(schema)), JSON.stringify(ajv.errors));
    ajv.addSchema(Object(closed(schema)), name);
  }
  return (bundle, document) => {
    const found = ajv.getSchema(`${bundle}#/$defs/${document}`);
    assert.ok(found !== undefined, `${bundle} has no ${document}`);
    return found;
  };
}

function closed(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(closed);
  if (!isRecord(schema)) return schema;
  const inside = Object.fromEntries(Object.entries(schema).map(([key, value]) => [key, closed(value)]));
  return "properties" in schema && isRecord(schema["properties"]) && schema["type"] === "object"
    ? { ...inside, additionalProperties: false }
    : inside;
}

const valid = validators();

function judge(bundle: keyof typeof BUNDLES, document: string, text: string, what: string): unknown {
  const value: unknown = JSON.parse(text);
  const validate = valid(bundle, document);
  assert.ok(validate(value), `${what}: ${JSON.stringify(validate.errors?.slice(0, 5), undefined, 1)}`);
  return value;
}

/** A document of schema 2 says which one it is. */
const documentOf = (text: string): string => {
  const value: unknown = JSON.parse(text);
  assert.ok(isRecord(value) && typeof value["output"] === "string", text);
  return value["output"];
};

const NQN = "nqn.2014-08.org.example:volume";

/** Something of everything: connected, failing, lost, excluded, held; a page with a referral; a finding in a file. */
async function eventful({ stage }: Site): Promise<void> {
  const [kept, lost, excluded] = [
    stage.subsystem(`${NQN}1`, "10.0.0.25"),
    stage.subsystem(`${NQN}2`, "10.0.0.26"),
    stage.subsystem(`${NQN}3`, "10.0.0.27"),
  ];
  stage.dc("nqn.dc2", "10.0.0.101", []);
  stage.dc("nqn.dc", "10.0.0.100", [
    entryFor(kept, "nvme"),
    entryFor(lost, "nvme"),
    entryFor(excluded, "nvme"),
    entryFor(stage.target("nqn.dc2"), "referral"),
  ]);
  stage.stafdConf(`[Global]\nbogus = 1\n${line("traddr=10.0.0.100", "traddr=10.0.0.199")}`);
  stage.stacdConf(
    `[Controllers]\nexclude = transport=tcp;traddr=10.0.0.27\n` +
      `controller = transport=tcp;traddr=10.0.0.28;trsvcid=4420;nqn=${NQN}4\n`,
  );
  const { avahi } = stage.world;
  avahi.announce({ hostIface: "eth0", name: "dc", traddr: "10.0.0.102", port: 8009, txt: ["p=tcp"] });
  await stage.start(20_000);
  for (const { key } of avahi.announced) avahi.withdraw(key);
  stage.world.setManner(lost, "silent");
  await stage.run(30_000);
}

/** A command line for each form of JSON of each command. */
const COMMANDS: Readonly<Record<string, string>> = {
  status: "",
  ls: "",
  dlp: `-a 10.0.0.100 -s 8009 -q ${HOST_NQN}`,
  adlp: "-d",
  explain: "10.0.0",
  plan: "",
  check: "etc/stas/stacd.conf",
  health: "",
  tree: "",
  doctor: "",
  drain: "10.0.0.25 --for 1min",
  undrain: "10.0.0.25",
  renew: "10.0.0.26",
  forget: "10.0.0.102",
  history: "--since -1d",
};

/** Commands of 1.0.1: their JSON is of schema 2 alone. */
const NEW: Readonly<Record<string, string>> = {
  drain: "drain",
  undrain: "drain",
  forget: "forget",
  renew: "renew",
  history: "history",
};

Deno.test("every command's JSON, of schema 1 and of schema 2, is what its JSON Schema says", () =>
  withSite(async (site) => {
    await eventful(site);
    const seen = new Set<string>();
    for (const tool of ["stafctl", "stacctl"] as const) {
      for (const command of toolDefinition(tool).commands) {
        const forms = command.options.find(({ long }) => long === "--output")?.argChoices ?? [];
        for (const form of forms.filter((one) => one === "json" || one === "jsonl")) {
          if (command.name() === "monitor") continue;
          const args = COMMANDS[command.name()];
          assert.ok(args !== undefined, `no command line for ${command.name()}`);
          const called = `${tool} ${command.name()} ${args} -o ${form}`;
          const only = NEW[command.name()];
          if (only !== undefined) {
            const ran = await site.run(called);
            assert.equal(ran.status, 0, ran.err);
            judge("output-2.json", only, ran.out, called);
            assert.equal(documentOf(ran.out), only);
            seen.add(only);
            continue;
          }
          const one = await site.run(called);
          const two = await site.run(`${called} --schema 2`);
          assert.equal(two.status, one.status, `${called}: ${two.err}`);
          const line = form === "jsonl" ? "-line" : "";
          const name = tool === "stafctl" && command.name() === "tree" ? "tree-dcs" : command.name();
          const texts = (out: string): readonly string[] =>
            form === "jsonl" ? out.split("\n").filter((text) => text !== "") : [out];
          for (const text of texts(one.out)) judge("output-1.json", name + line, text, called);
          assert.ok(texts(two.out).length > 0 || name === "plan", `${called} printed nothing`);
          for (const text of texts(two.out)) {
            const document = documentOf(text);
            assert.equal(document, name + line, called);
            judge("output-2.json", document, text, `${called} --schema 2`);
            seen.add(document);
          }
        }
      }
    }
    // Each command that prints JSON was asked; events are below.
    assert.deepEqual(
      [...seen].toSorted(),
      documents("output-2.json").filter((name) => name !== "event").toSorted(),
    );
  }));

function documents(bundle: string): readonly string[] {
  const schema: unknown = JSON.parse(Deno.readTextFileSync(`${SCHEMA_FOLDER}/${bundle}`));
  const list = isRecord(schema) && Array.isArray(schema["anyOf"]) ? schema["anyOf"] : [];
  return list.map((one: unknown) => isRecord(one) ? String(one["$ref"]).replace("#/$defs/", "") : "");
}

Deno.test("the daemons' answers and events are what their JSON Schema says", () =>
  withSite(async (site) => {
    await eventful(site);
    for (const [name, daemon] of Object.entries({ stafd: site.staf, stacd: site.stac })) {
      judge("bus-1.json", "state", await daemon.state(), `state of ${name}`);
      judge("bus-1.json", "health", await daemon.health(), `health of ${name}`);
      judge("bus-1.json", "explain", await daemon.explain("10.0.0"), `explain of ${name}`);
      judge("bus-1.json", "plan", await daemon.plan(""), `plan of ${name}`);
      judge("bus-1.json", "plan", await daemon.plan("[Controllers]\nexclude = traddr=10.0.0.25\n"), name);
      judge("bus-1.json", "plan", await daemon.plan("[Global\n"), name);
    }
    judge("bus-1.json", "pages", await site.staf.pages(), "pages");
    const { events } = site.stage;
    const types = new Set(events.map((event) => event["type"]));
    for (const type of ["connected", "failed", "link-lost", "log-page"]) assert.ok(types.has(type), type);
    for (const event of events) judge("bus-1.json", "event", JSON.stringify(event), "event");
  }));

Deno.test("a changed plan, events and an unreachable daemon are what their JSON Schema says", () =>
  withSite(async (site) => {
    await eventful(site);
    const file = await Deno.makeTempFile({ suffix: ".conf" });
    await Deno.writeTextFile(file, `[Controllers]\nexclude = traddr=10.0.0.25\nexclude = traddr=10.0.0.26\n`);
    for (const schema of ["1", "2"] as const) {
      const bundle = `output-${schema}.json` as const;
      const plan = await site.run(`stacctl plan --config ${file} -o json --schema ${schema}`);
      assert.equal(plan.status, 2, plan.err);
      judge(bundle, "plan", plan.out, "plan");
      const lines = await site.run(`stacctl plan --config ${file} -o jsonl --schema ${schema}`);
      assert.match(lines.out, /disconnect/);
      for (const text of lines.out.trimEnd().split("\n")) judge(bundle, "plan-line", text, "plan");
      const gone = await site.run(`stacctl health -o json --schema ${schema}`, { bus: "unix:path=/nowhere" });
      assert.equal(gone.status, 4);
      judge(bundle, schema === "1" ? "health-unreachable" : "health", gone.out, "health, unreachable");
      const stop = Promise.withResolvers<void>();
      const monitor = site.watch(`stacctl monitor -o jsonl --schema ${schema}`, stop.promise);
      await monitor.err.until(/watching stacd/);
      for (const event of site.stage.events) site.tell(event);
      await monitor.out.until(/"type":"link-lost".*\n/);
      stop.resolve();
      assert.equal(await monitor.ended, 0);
      for (const text of monitor.out.text.trimEnd().split("\n")) judge(bundle, "event", text, "monitor");
    }
  }));

Deno.test("schema 2: --schema alone prints JSON, and is refused with another form; the DC of a path is data", () =>
  withSite(async (site) => {
    await eventful(site);
    const { out } = await site.run("stacctl ls --schema 2", { terminal: true });
    const list = judge("output-2.json", "ls", out, "ls");
    assert.ok(
      JSON.stringify(list).includes(
        `"dc":{"tid":{"transport":"tcp","traddr":"10.0.0.100","trsvcid":"8009","subsysnqn":"${WELL_KNOWN_DISC_NQN}",`,
      ),
    );
    assert.deepEqual((await site.run("stacctl ls --dc 10.0.0.100:8009 -o name")).out.split("\n").length, 4);
    const line = await site.run("stacctl ls --schema 2 -o json --dc nqn.none");
    assert.match(line.out, /"controllers": \[\]/);
    const refused = await site.run("stacctl ls -o table --schema 2");
    assert.equal(refused.status, 2);
    assert.match(refused.err, /--schema requires JSON: -o json or -o jsonl/);
    const page = await site.run("stafctl adlp --schema 2");
    assert.match(page.out, /"tsas": \{\s*"sectype": "none"\s*\}/);
  }));

Deno.test("the judge sees what is missing, misspelt or not described", () => {
  const head = { schema: 2, daemon: "stacd", at: 1, output: "ls", controllers: [] };
  judge("output-2.json", "ls", JSON.stringify(head), "ls");
  for (const wrong of [{ ...head, at: "1" }, { ...head, more: 1 }, { ...head, schema: 1 }, {}]) {
    assert.throws(() => judge("output-2.json", "ls", JSON.stringify(wrong), "ls"));
  }
});
