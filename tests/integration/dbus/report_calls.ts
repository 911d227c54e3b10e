/** What a caller of stacd does to read a report, call by call. */
import assert from "node:assert/strict";
import type { Bus } from "../../../src/lib/dbus/bus.ts";
import { STAC } from "../../../src/lib/dbus/interfaces.ts";
import { isRecord } from "../../../src/lib/dbus/json_reader.ts";

/** The answer, or the message of the error. */
export async function told(bus: Bus, member: string, args: readonly bigint[] = []): Promise<string> {
  const { name, path } = STAC;
  const signature = "t".repeat(args.length);
  const reply = await bus.call({
    destination: name,
    path,
    interface: `${name}.v1`,
    member,
    signature,
    args,
    gives: "s",
  });
  return reply.ok ? String(reply.body[0]) : reply.error.message;
}

/** The number of the report that was begun. */
export async function begun(bus: Bus): Promise<bigint> {
  const answer: unknown = JSON.parse(await told(bus, "report_begin"));
  assert.ok(isRecord(answer) && typeof answer["report"] === "number");
  return BigInt(answer["report"]);
}
