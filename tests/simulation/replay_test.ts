/** What was recorded in a simulated world, and written as in a report, gives the same effects when it is played again. */
import assert from "node:assert/strict";
import type { StacdEvent, StafdEvent } from "../../src/lib/core/effects.ts";
import { Pseudonyms } from "../../src/ctl/pseudonyms.ts";
import { withoutMemo } from "../../src/lib/core/stafd/stafd_state.ts";
import type { Fleet } from "../../src/lib/core/fleet/fleet.ts";
import { stacdCore } from "../../src/lib/daemon/stacd_service.ts";
import { stafdCore } from "../../src/lib/daemon/stafd_service.ts";
import { decoded } from "../../src/lib/daemon/record/decode.ts";
import { dataOf, headOf, type Recording, recordingOf } from "../../src/lib/daemon/record/document.ts";
import { Encoding } from "../../src/lib/daemon/record/encode.ts";
import { type Recorded, Recorder } from "../../src/lib/daemon/record/recorder.ts";
import { namesOf, recordedNames, underNames } from "../../src/lib/daemon/record/names.ts";
import { played } from "../../src/lib/daemon/record/replay.ts";
import { difference } from "../../src/lib/daemon/record/values.ts";
import type { Core } from "../../src/lib/daemon/shell.ts";
import { entryFor } from "../../src/lib/sim/discovery.ts";
import { Random } from "../../src/lib/sim/random.ts";
import { functionIn } from "../unit/core/data_only.ts";
import { realCores } from "./cores.ts";
import { Person } from "./person.ts";
import { Stage } from "./scenarios/stage.ts";
import { Simulation } from "./simulation.ts";
import { snapshot } from "./snapshot.ts";

/** With crowds, storms, kills and both kinds of state files; 20 and 40 repeat each step to judge it. */
const SEEDS = [3, 7, 11, 20, 31, 40, 42];
/** So small that a run goes through many generations. */
const SMALL = { events: 40, bytes: 32 * 1024 };

interface Call {
  readonly state: unknown;
  readonly event: unknown;
  readonly effects: string;
}

/** A core whose steps are noted by the test, and kept by a recorder of its own. */
class Overheard<State extends { readonly fleet: Fleet }, Event extends StacdEvent | StafdEvent, Effect> {
  readonly calls: Call[] = [];
  readonly core: Core<State, Event, Effect>;
  readonly #real: Core<State, Event, Effect>;
  readonly #plain: (state: State) => State;
  #small: Recorder<State, Event>;
  #last: State | undefined;

  constructor(real: Core<State, Event, Effect>, plain: (state: State) => State) {
    this.#real = real;
    this.#plain = plain;
    this.#small = this.#recorder();
    this.core = { ...real, step: (state, event, now) => this.#step(state, event, now) };
  }

  get last(): State | undefined {
    return this.#last;
  }

  /** What the recorder with small limits has. */
  get small(): Recorded<State> | undefined {
    return this.#last === undefined ? undefined : this.#small.recorded(this.#last);
  }

  /** Plays it, and compares each step with what happened. */
  replay({ start, events, end }: Pick<Recording<State, Event>, "start" | "events" | "end">): void {
    const expected = this.calls.slice(this.calls.length - events.length);
    assert.equal(expected.length, events.length);
    let last = start;
    for (const { n, after, effects, event } of played(this.#real, start, events)) {
      const [is, was] = [snapshot(effects), expected[n - 1]?.effects];
      assert.ok(is === was, `step ${n} (${snapshot(event)}): ${is} in place of ${was}`);
      last = after;
    }
    assert.equal(difference(this.#plain(last), end), undefined);
  }

  #recorder(): Recorder<State, Event> {
    return new Recorder<State, Event>(this.#plain, SMALL);
  }

  #step(...[state, event, now]: Parameters<Core<State, Event, Effect>["step"]>) {
    const last = this.calls.at(-1);
    const isNew = last?.state !== state || last.event !== event;
    // A process that was started again has a recorder of its own.
    if (isNew && this.#last !== state) this.#small = this.#recorder();
    if (isNew) this.#small.note(state, event, now);
    const next = this.#real.step(state, event, now);
    if (isNew) this.calls.push({ state, event, effects: snapshot(next.effects) });
    if (isNew) this.#last = next.state;
    return next;
  }
}

function whole(encoding: Encoding): string {
  let text = "";
  for (let part = encoding.next(4096); part !== undefined; part = encoding.next(4096)) text += part;
  return text;
}

const textOf = (daemon: "stafd" | "stacd", recorded: Recorded<unknown>): string =>
  `${JSON.stringify(headOf(daemon, recorded)).slice(0, -1)},"data":${whole(dataOf(recorded))}}`;

interface Cores {
  readonly stafd: Overheard<Parameters<typeof stafdCore.step>[0], StafdEvent, unknown>;
  readonly stacd: Overheard<Parameters<typeof stacdCore.step>[0], StacdEvent, unknown>;
}

/** Through the text of a report, and back. */
function check(daemon: "stafd" | "stacd", recorded: Recorded<unknown>, cores: Cores): void {
  const text = textOf(daemon, recorded);
  const read = recordingOf(JSON.parse(text));
  if (!read.ok) return assert.fail(read.message);
  assert.deepEqual(read.warnings, []);
  if (read.read.daemon === "stafd") cores.stafd.replay(read.read.recording);
  else cores.stacd.replay(read.read.recording);
  const data = text.slice(text.indexOf(`"data":`) + `"data":`.length, -1);
  const again = decoded(JSON.parse(data));
  assert.ok(again.ok && typeof again.value === "object" && again.value !== null);
  // Equal records of their own are written whole from now on.
  const second = whole(new Encoding(again.value));
  const third = decoded(JSON.parse(second));
  assert.ok(third.ok && typeof third.value === "object" && third.value !== null);
  assert.ok(whole(new Encoding(third.value)) === second, "written again it is another text");
  assert.equal(difference(third.value, again.value), undefined);
}

/** The effects of a replay as JSON; it ends in the state that was recorded. */
function outcome<State, Event, Effect>(
  core: Core<State, Event, Effect>,
  plain: (state: State) => State,
  { start, events, end }: Pick<Recording<State, Event>, "start" | "events" | "end">,
): readonly unknown[] {
  const each: Effect[][] = [];
  let last = start;
  for (const { effects, after } of played(core, start, events)) {
    each.push([...effects]);
    last = after;
  }
  assert.equal(difference(plain(last), end), undefined);
  return each.map((effects): unknown => JSON.parse(whole(new Encoding(effects))));
}

const outcomeOf = (json: unknown): readonly unknown[] => {
  const read = recordingOf(json);
  if (!read.ok) return assert.fail(read.message);
  return read.read.daemon === "stafd"
    ? outcome(stafdCore, withoutMemo, read.read.recording)
    : outcome(stacdCore, (state) => state, read.read.recording);
};

/** Under pseudonyms the same happens to the pseudonyms. */
function checkNamed(daemon: "stafd" | "stacd", recorded: Recorded<unknown>, dice: Random): void {
  const json: unknown = JSON.parse(textOf(daemon, recorded));
  const names = recordedNames(JSON.parse(JSON.stringify(namesOf(json))));
  assert.ok(names !== undefined);
  const pseudonyms = new Pseudonyms(() => dice.between(0, 999_999) / 1e6);
  pseudonyms.learn(json);
  const renamed = pseudonyms.value(json);
  const known = recordedNames(pseudonyms.value(names));
  assert.ok(known !== undefined);
  const expected = outcomeOf(json).map((effects) => pseudonyms.value(effects));
  const found = underNames(known, () => outcomeOf(renamed));
  for (const [n, effects] of found.entries()) {
    const [is, should] = [JSON.stringify(effects), JSON.stringify(expected[n])];
    assert.ok(is === should, `step ${n + 1}: ${is}\nin place of ${should}`);
  }
  assert.equal(found.length, expected.length);
  const all = JSON.stringify(renamed);
  for (const [real] of JSON.stringify(json).matchAll(/nqn\.2014-08\.org\.nvmexpress:uuid:[0-9a-f-]{36}/g)) {
    assert.ok(!all.includes(real), real);
  }
}

for (const seed of SEEDS) {
  Deno.test(`a recording under pseudonyms plays as it was: seed ${seed}`, async () => {
    const simulation = new Simulation({ seed, who: "both" });
    await simulation.run();
    const dice = new Random(seed, "pseudonyms");
    for (const daemon of [simulation.stafd, simulation.stacd]) {
      if (daemon?.alive === true) checkNamed(daemon.who, daemon.recorded, dice);
    }
  });
}

Deno.test("a recording under pseudonyms plays as it was where the length or the order of names counts", async () => {
  const stage = new Stage(realCores);
  const [first, second] = [stage.subsystem("nqn.a", "10.0.0.5"), stage.subsystem("nqn.b", "10.0.0.6")];
  const long = stage.subsystem(`nqn.2014-08.com.example:${"x".repeat(210)}`, "10.0.0.7");
  stage.dc("nqn.dc", "10.0.0.9", [first, second, long].map((one) => entryFor(one, "nvme")));
  stage.world.resolver.names.set("array.test", ["10.1.0.1", "10.2.0.1", "10.3.0.1"]);
  stage.stafdConf("[Controllers]\ncontroller = transport=tcp;traddr=10.0.0.9\n");
  const named = "[Controllers]\ncontroller = transport=tcp;traddr=array.test;trsvcid=4420;nqn=nqn.c\n";
  stage.stacdConf(`[Global]\nkato = 10\n${named}`);
  await stage.start();
  assert.deepEqual([stage.to(first).length, stage.to(second).length, stage.to(long).length], [1, 1, 0]);
  stage.stacdConf(`[Global]\nkato = 20\n${named}`);
  await stage.run(5_000);
  const answer = new Person(stage.world).renew("tcp");
  await stage.run(120_000);
  const begun = await answer;
  assert.ok(begun.ok && begun.value.controllers.length > 1, JSON.stringify(begun));
  for (let seed = 1; seed <= 8; seed++) {
    for (const daemon of [stage.stafd, stage.stacd]) {
      checkNamed(daemon.who, daemon.recorded, new Random(seed, "pseudonyms"));
    }
  }
});

for (const seed of SEEDS) {
  Deno.test(`a recording plays as it was: seed ${seed}`, async () => {
    const stafd = new Overheard(stafdCore, withoutMemo);
    const stacd = new Overheard(stacdCore, (state) => state);
    const cores = { stafd: stafd.core, stacd: stacd.core };
    const simulation = new Simulation({ seed, who: "both", cores });
    const { violation } = await simulation.run();
    assert.equal(violation, undefined);
    let [events, generations] = [0, 0];
    for (
      const [who, daemon, { small }] of [["stafd", simulation.stafd, stafd], [
        "stacd",
        simulation.stacd,
        stacd,
      ]] as const
    ) {
      assert.ok(small !== undefined);
      assert.equal(functionIn((who === "stafd" ? stafd : stacd).last, who), undefined);
      check(who, small, { stafd, stacd });
      if (daemon?.alive !== true) continue;
      check(who, daemon.recorded, { stafd, stacd });
      events += daemon.recorded.events.length;
      generations += small.events.length < daemon.recorded.events.length ? 1 : 0;
    }
    assert.ok(events > 50, `${events} events`);
    assert.ok(generations > 0, "no recording has lost its beginning");
  });
}
