/**
 * Sections of nvme-stas 3's connectivity file, made from our connections. Values that its parser would reject are not
 * written. Pure.
 */
import type { ConnectOptions } from "../nvme/connect_options.ts";
import { CONNECT_OPTIONS, type ConnectOption, isPassed } from "../nvme/option_table.ts";
import { defaultTrsvcid } from "../nvme/tid.ts";
import { connectOptionText } from "./connect_option.ts";
import type { ControllerLine } from "./controller_line.ts";
import { parseNextFile } from "./next_file.ts";

/** `name = value`, including secrets that must not be shown when the file is printed. */
export type NextPair = readonly [name: string, value: string];

/** The name and value there of an option that is set; an empty value unsets the option. */
export function nextOption(options: ConnectOptions, option: ConnectOption): NextPair | undefined {
  const text = connectOptionText(options, option);
  if (text === undefined) return undefined;
  const value = options[option.key];
  const taken = option.kind === "integer" && typeof value === "number" && !isPassed(option, value)
    ? ""
    : text;
  if (option.name === "kato") return ["keep-alive-tmo", taken];
  // A serial number, or the identity by which the keyring describes the key.
  if (option.name === "tls-key") {
    return [/^(?:\d+|0x[\da-f]+)$/i.test(text) ? "tls-key" : "tls-key-identity", text];
  }
  return [option.name, taken];
}

const pairsOf = (options: ConnectOptions, isSecurity: boolean): readonly NextPair[] =>
  CONNECT_OPTIONS.filter(({ security }) => (security === true) === isSecurity)
    .map((option) => nextOption(options, option)).filter((pair) => pair !== undefined);

/** Keys and TLS are the same for all paths there, so they stand in the section. */
function sectionOf({ fields, overrides, keys }: ControllerLine): readonly NextPair[] {
  const pairs: NextPair[] = [];
  if (fields.subsysnqn !== "") pairs.push(["nqn", fields.subsysnqn]);
  pairs.push(...pairsOf(overrides, true));
  if (keys.hostKey !== undefined) pairs.push(["kxchap-secret", keys.hostKey.reveal()]);
  if (keys.ctrlKey !== undefined) pairs.push(["kxchap-ctrl-secret", keys.ctrlKey.reveal()]);
  return pairs;
}

function pathOf({ fields, overrides }: ControllerLine): string {
  const { transport, traddr, hostTraddr, hostIface } = fields;
  // Without a port we use 8009, while nvme-stas 3 uses a port that depends on the section.
  const trsvcid = fields.trsvcid === "" ? defaultTrsvcid(transport) : fields.trsvcid;
  const address: readonly NextPair[] = [
    ["transport", transport],
    ["traddr", traddr],
    ["trsvcid", transport === "tcp" || transport === "rdma" ? trsvcid : ""],
    ["host-traddr", hostTraddr],
    ["host-iface", hostIface],
  ];
  const given = address.filter(([, value]) => value !== "");
  return [...given, ...pairsOf(overrides, false)].map(([name, value]) => `${name}=${value}`).join(";");
}

export const pairText = ([name, value]: NextPair): string => `${name} =${value === "" ? "" : ` ${value}`}\n`;

/** Why libnvme would reject a file with this text; undefined when it would not. */
export function nextRejection(text: string): string | undefined {
  if (/[^\S\n]#/.test(text)) return "a # in a value begins a comment";
  const { isRejected, findings } = parseNextFile(text, "");
  const error = findings.findLast(({ severity }) => severity === "error");
  return isRejected
    ? error?.message.replace(/; the whole file is rejected$/, "") ?? "it is malformed"
    : undefined;
}

export interface NextSections {
  readonly text: string;
  readonly hasKey: boolean;
  /** Lines that cannot be written, with the reason. */
  readonly refused: readonly { readonly line: ControllerLine; readonly why: string }[];
}

/** Lines with one section in common share it, in the order of the first. */
export function nextSections(
  kind: "Discovery Controller" | "Subsystem",
  lines: readonly ControllerLine[],
): NextSections {
  const sections = new Map<string, string[]>();
  const refused: { readonly line: ControllerLine; readonly why: string }[] = [];
  let hasKey = false;
  for (const line of lines) {
    const head = `[${kind}]\n${sectionOf(line).map(pairText).join("")}`;
    const path = `controller = ${pathOf(line)}\n`;
    const why = nextRejection(head + path);
    if (why !== undefined) refused.push({ line, why });
    else {
      sections.set(head, [...sections.get(head) ?? [], path]);
      hasKey ||= line.keys.hostKey !== undefined || line.keys.ctrlKey !== undefined;
    }
  }
  const text = [...sections].map(([head, paths]) => `${head}${paths.join("")}`).join("\n");
  return { text, hasKey, refused };
}
