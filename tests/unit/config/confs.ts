/** Short ways to parse in tests. */
import assert from "node:assert/strict";
import { type Finding, findingText } from "../../../src/lib/config/finding.ts";
import { parseStacdConf, type StacdConf } from "../../../src/lib/config/stacd_conf.ts";
import { parseStafdConf, type StafdConf } from "../../../src/lib/config/stafd_conf.ts";

export interface Accepted<T> {
  readonly conf: T;
  readonly findings: readonly Finding[];
  /** See {@link say}. */
  readonly said: readonly string[];
}

/** `warning f:2:5: message`. */
export const say = (findings: readonly Finding[]): readonly string[] =>
  findings.map((finding) => `${finding.severity} ${findingText(finding)}`);

export function stafd(text: string): Accepted<StafdConf> {
  const parsed = parseStafdConf(text, "f");
  if (!parsed.ok) assert.fail(say(parsed.findings).join("\n"));
  return { conf: parsed.conf, findings: parsed.findings, said: say(parsed.findings) };
}

export function stacd(text: string): Accepted<StacdConf> {
  const parsed = parseStacdConf(text, "f");
  if (!parsed.ok) assert.fail(say(parsed.findings).join("\n"));
  return { conf: parsed.conf, findings: parsed.findings, said: say(parsed.findings) };
}
