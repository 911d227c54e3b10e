/**
 * Queries to the control tools for data that the bus does not offer: findings in an edited text, and its plan with
 * effects.
 */
import { JsonReader, type JsonResult } from "../../src/lib/dbus/json_reader.ts";
import type { V2Change, V2Check, V2Effects, V2Held, V2Plan } from "../../src/ctl/v2_types.ts";
import { findingOf } from "../../src/lib/dbus/v1_parse.ts";
import type { DaemonName } from "../../src/lib/dbus/v1_types.ts";
import type { Outcome } from "./outcome.ts";
import { run } from "./programs.ts";

/** What the page shows of the tools' contract (nvme-stas-json(5)). */
export type Checked = Pick<V2Check["files"][number], "valid" | "findings" | "values">;

export interface Planned
  extends Pick<V2Plan, "at" | "valid" | "findings" | "unchanged" | "unknowns" | "notes"> {
  readonly changes: readonly Pick<V2Change, "action" | "text" | "device" | "at" | "reasons" | "retry">[];
  readonly held: readonly Pick<V2Held, "text" | "device" | "why" | "reasons">[];
  readonly effects: Effects | null;
}

export interface Effects extends Pick<V2Effects, "paths" | "last_paths" | "policy"> {
  readonly in_use: readonly Pick<V2Effects["in_use"][number], "device" | "holders" | "by">[];
}

const JSON_OF = ["-o", "json", "--schema", "2"] as const;

export const toolOf = (daemon: DaemonName): string => daemon === "stafd" ? "stafctl" : "stacctl";

/**
 * The tool reads the text from its standard input by that name, which works for a pipe only; newer bridges of Cockpit give a
 * program a socket.
 */
const piped = (words: readonly string[]): readonly string[] => ["sh", "-c", 'cat | "$@"', "sh", ...words];

export const check = (daemon: DaemonName, text: string): Promise<Outcome<Checked>> =>
  asked(piped([toolOf(daemon), "check", ...JSON_OF, "/dev/stdin"]), text, parseCheck);

/** The findings in the file in force. */
export const checkInForce = (daemon: DaemonName): Promise<Outcome<Checked>> =>
  asked([toolOf(daemon), "check", ...JSON_OF], undefined, parseCheck);

export const plan = (daemon: DaemonName, text: string): Promise<Outcome<Planned>> =>
  asked(piped([toolOf(daemon), "plan", ...JSON_OF, "--config", "-"]), text, parsePlan);

async function asked<T>(
  command: readonly string[],
  input: string | undefined,
  parse: (text: string) => JsonResult<T>,
): Promise<Outcome<T>> {
  const ended = await run(command, input === undefined ? {} : { input });
  if (!ended.ok) return ended;
  const { out, status } = ended.value;
  // An exit status other than 0 may be part of the answer; output that is not JSON is the tool's error message.
  const parsed = parse(out);
  if (parsed.ok) return parsed;
  const text = out.trim() === ""
    ? `exit status ${status}`
    : out.trimStart().startsWith("{")
    ? parsed.message
    : out.trim();
  return { ok: false, problem: { kind: "exit", text } };
}

const words = (item: JsonReader): string => item.text();

export const parseCheck = (text: string): JsonResult<Checked> =>
  JsonReader.read("check", text, (doc) => {
    doc.at("schema").only(2);
    doc.at("output").word("check");
    const [first] = doc.at("files").list((file) => ({
      valid: file.at("valid").boolean(),
      findings: file.at("findings").list(findingOf),
      values: file.at("values").list((value) => ({
        section: value.at("section").text(),
        option: value.at("option").text(),
        value: value.maybe("value", words) ?? null,
        origin: value.at("origin").text(),
      })),
    }));
    return first ?? { valid: true, findings: [], values: [] };
  });

export const parsePlan = (text: string): JsonResult<Planned> =>
  JsonReader.read("plan", text, (doc) => {
    doc.at("schema").only(2);
    doc.at("output").word("plan");
    return {
      at: doc.at("at").number(),
      valid: doc.at("valid").boolean(),
      findings: doc.at("findings").list(findingOf),
      changes: doc.at("changes").list((change) => ({
        action: change.at("action").word("connect", "adopt", "disconnect", "let-go"),
        text: change.at("text").text(),
        device: change.at("device").text(),
        at: change.maybe("at", (at) => at.number()) ?? null,
        reasons: change.at("reasons").list(words),
        retry: change.at("retry").boolean(),
      })),
      held: doc.at("held").list((held) => ({
        text: held.at("text").text(),
        device: held.at("device").text(),
        why: held.at("why").text(),
        reasons: held.at("reasons").list(words),
      })),
      unchanged: doc.at("unchanged").number(),
      unknowns: doc.at("unknowns").list(words),
      notes: doc.at("notes").list(words),
      effects: doc.maybe("effects", (effects) => ({
        paths: effects.at("paths").list((path) => ({
          device: path.at("device").text(),
          subsysnqn: path.at("subsysnqn").text(),
          text: path.at("text").text(),
        })),
        last_paths: effects.at("last_paths").list(words),
        in_use: effects.at("in_use").list((one) => ({
          device: one.at("device").text(),
          holders: one.at("holders").list(words),
          by: one.at("by").list(words),
        })),
        policy: effects.maybe("policy", words) ?? null,
      })) ?? null,
    };
  });
