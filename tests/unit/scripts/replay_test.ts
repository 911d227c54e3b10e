/** The story of a report: what is told, of which controllers, up to where; and what is no report. */
import assert from "node:assert/strict";
import { stories, type StoryOptions } from "../../../scripts/replay/stories.ts";
import { dataOf, headOf } from "../../../src/lib/daemon/record/document.ts";
import { entryFor } from "../../../src/lib/sim/discovery.ts";
import { realCores } from "../../simulation/cores.ts";
import { Person } from "../../simulation/person.ts";
import { Stage } from "../../simulation/scenarios/stage.ts";

const ALL = { until: Infinity, about: undefined, all: false, asScenario: false };

/** Two subsystems are listed, and one of them no longer; as text of a report. */
async function reportText(change: Readonly<Record<string, unknown>> = {}): Promise<string> {
  const stage = new Stage(realCores);
  const one = stage.subsystem("nqn.2014-08.com.example:one", "10.0.0.5");
  const two = stage.subsystem("nqn.2014-08.com.example:two", "10.0.0.6");
  const page = stage.dc("nqn.2014-08.com.example:dc", "10.0.0.9", [
    entryFor(one, "nvme"),
    entryFor(two, "nvme"),
  ]);
  stage.stafdConf("[Controllers]\ncontroller = transport=tcp;traddr=10.0.0.9\n");
  await stage.start();
  await stage.age();
  page.edit([entryFor(two, "nvme")], stage.mono);
  await stage.run(120_000);
  return textOf(stage, change);
}

function textOf(stage: Stage, change: Readonly<Record<string, unknown>> = {}): string {
  const daemons = Object.fromEntries([stage.stafd, stage.stacd].map((daemon) => {
    const data: unknown = JSON.parse(dataOf<unknown>(daemon.recorded).next(Infinity) ?? "");
    return [daemon.who, { recording: { ...headOf(daemon.who, daemon.recorded), data } }];
  }));
  return JSON.stringify({ report: "nvme-stas", schema: 1, daemons, ...change });
}

function told(
  text: string,
  options: Partial<StoryOptions> = {},
): readonly string[] {
  const story = stories(text, { ...ALL, ...options });
  if (!story.ok) return assert.fail(story.message);
  assert.deepEqual(story.warnings, []);
  assert.ok(story.isTrue);
  return story.lines;
}

Deno.test("a story has each event with its decisions, their reasons and its effects", async () => {
  const text = await reportText();
  const lines = told(text);
  const story = lines.join("\n");
  const step =
    /#\d+ .*\n(?: {12}.*\n)*? {12}-> disconnect nvme\d+ \(tcp, 10\.0\.0\.5, 4420, .*because: not in the log page of .*generation/;
  assert.match(story, step);
  assert.match(story, /\(tcp, 10\.0\.0\.5.*\): new -> reaching\n {14}decision \w+: /);
  assert.match(story, /\(tcp, 10\.0\.0\.5.*\): withdrawn: not in the log page/);
  assert.match(story, /\(tcp, 10\.0\.0\.5.*\): source: log page of /);
  assert.match(story, /^stafd 1\.0\.1: \d+ events from 20.*, all since its start$/m);
  assert.equal(lines.filter((line) => line === "The replay ends in the state that was recorded.").length, 2);
});

Deno.test("a story of one controller, up to an event, or of everything", async () => {
  const text = await reportText();
  const about = told(text, { about: "example:two" }).join("\n");
  assert.match(about, /-> connect \(tcp, 10\.0\.0\.6/);
  assert.doesNotMatch(about, /10\.0\.0\.5/);
  const first = told(text, { until: 3, all: true });
  assert.ok(
    first.every((line) => !/#([4-9]|\d\d)/.test(line)) && first.some((line) => line.includes("#3 ")),
    first.join("\n"),
  );
  assert.ok(!first.join().includes("The replay ends"), "it did not go to the end");
  assert.ok(told(text, { all: true }).length > told(text).length);
});

Deno.test("a person's act is told with its words, and with its answer", async () => {
  const stage = new Stage(realCores);
  stage.subsystem("nqn.2014-08.com.example:one", "10.0.0.5");
  stage.stafdConf("");
  stage.stacdConf(
    "[Controllers]\ncontroller = transport=tcp;traddr=10.0.0.5;trsvcid=4420;nqn=nqn.2014-08.com.example:one\n",
  );
  await stage.start();
  const person = new Person(stage.world);
  for (
    const act of [
      () => person.renew("example:one", "do-reconnect"),
      () => person.renew("none"),
      () => person.drain("none"),
    ]
  ) {
    const answer = act();
    await stage.run(30_000);
    await answer;
  }
  const story = told(textOf(stage)).join("\n");
  assert.match(story, /#\d+ renew example:one, by uid 0\n/);
  assert.match(story, /#\d+ renew none, by uid 0\n {12}-> answer: unknown\n/);
  assert.match(story, /#\d+ drain none, by uid 0\n {12}-> answer: unknown\n/);
});

Deno.test("a skeleton of a scenario has the world, the configuration and the times", async () => {
  const skeleton = told(await reportText(), { asScenario: true }).join("\n");
  assert.match(skeleton, /stage\.subsystem\("nqn\.2014-08\.com\.example:two", "10\.0\.0\.6"\);/);
  assert.match(
    skeleton,
    /stage\.dc\("nqn\.2014-08\.org\.nvmexpress\.discovery", "10\.0\.0\.9", \[\], "8009"\);/,
  );
  assert.match(
    skeleton,
    /stage\.stafdConf\("\[Controllers\]\\ncontroller = transport=tcp;traddr=10\.0\.0\.9\\n"\);/,
  );
  assert.match(skeleton, /await stage\.run\(\d+\); \/\/ \d+\.\d{3} s: /);
});

Deno.test("what is no report, or of another kind, is refused with the reason", async () => {
  const refused = (text: string): string => {
    const story = stories(text, ALL);
    return story.ok ? "" : story.message;
  };
  assert.match(refused("{"), /this is not JSON/);
  assert.match(refused("{}"), /this is no report/);
  assert.match(refused(await reportText({ schema: 2 })), /the report has schema 2; this program reads 1/);
  assert.match(refused(await reportText({ daemons: {} })), /the report has no recording/);
  const broken = (await reportText()).replace('"format":1', '"format":7');
  assert.match(refused(broken), /stafd: the recording has format 7/);
});

Deno.test("a replay that ends otherwise says where it differs", async () => {
  const text = (await reportText()).replaceAll(/"attempts":0/g, '"attempts":1');
  const story = stories(text, ALL);
  assert.ok(story.ok && !story.isTrue);
  assert.match(story.lines.join("\n"), /THE REPLAY ENDS IN ANOTHER STATE.*fleet\.ctls/);
});
