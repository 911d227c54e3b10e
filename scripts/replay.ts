/** `deno task replay`: plays a report on the core, and tells what happened and why. */
import { runScript } from "./run.ts";
import { stories } from "./replay/stories.ts";
import { taskArguments, usageError } from "./task_arguments.ts";

const USAGE = `usage: deno task replay FILE [OPTION]...

Plays the recordings in a report of stafctl or stacctl (stacctl report) on the core, and tells the story: each event
that a daemon received, what it did, and why. The file is only read; nothing is connected or disconnected.

  --until N        only the first N events
  --explain TEXT   only events and effects of controllers whose transport id has this text: an NQN, an address
  --as-scenario    print the skeleton of a scenario for tests/simulation/scenarios
  --all            also events without an effect, and effects of housekeeping
`;

async function main(): Promise<boolean> {
  const { values, positionals } = taskArguments(USAGE, {
    allowPositionals: true,
    options: {
      until: { type: "string" },
      explain: { type: "string" },
      "as-scenario": { type: "boolean", default: false },
      all: { type: "boolean", default: false },
    },
  });
  const [file, ...more] = positionals;
  if (file === undefined || more.length > 0) usageError(USAGE, "needs one file");
  const { until = "" } = values;
  if (!/^\d*$/.test(until)) usageError(USAGE, `--until ${until}: must be a number of events`);
  let text: string;
  try {
    text = await Deno.readTextFile(file);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    usageError(USAGE, `${file}: ${error.message}`);
  }
  const story = stories(text, {
    until: until === "" ? Infinity : Number(until),
    about: values.explain,
    asScenario: values["as-scenario"],
    all: values.all,
  });
  if (!story.ok) {
    console.error(`replay: ${file}: ${story.message}`);
    return false;
  }
  for (const warning of story.warnings) console.error(`replay: ${file}: ${warning}`);
  for (const line of story.lines) console.log(line);
  return story.isTrue;
}

await runScript("replay", main);
