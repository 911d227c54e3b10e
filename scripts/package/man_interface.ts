/** Members of a D-Bus interface for its manual page, from the introspection data that the daemons publish. */
import { STAC_XML, STAF_XML } from "../../src/lib/dbus/interfaces.ts";
import type { Block } from "./man_block.ts";

export interface Member {
  readonly kind: "method" | "signal" | "property";
  readonly name: string;
  readonly synopsis: string;
  /** What the introspection data says of it and of its arguments; empty when nothing. */
  readonly doc: string;
}

const attribute = (text: string, name: string): string =>
  (new RegExp(`\\b${name}="([^"]*)"`).exec(text)?.[1] ?? "").replaceAll("&quot;", '"').replaceAll(
    "&lt;",
    "<",
  );

const docOf = (text: string): string =>
  attribute(/<annotation name="org\.gtk\.GDBus\.DocString"[^>]*>/.exec(text)?.[0] ?? "", "value");

/** All members of an interface such as `org.nvmexpress.staf.debug`, in their order. */
export function membersOf(name: string): readonly Member[] {
  const xml = name.startsWith("org.nvmexpress.staf") ? STAF_XML : STAC_XML;
  const inside = new RegExp(`<interface name="${name.replaceAll(".", "\\.")}">(.*?)</interface>`, "s").exec(
    xml,
  );
  if (inside === null) throw new Error(`no interface ${name} in the introspection data`);
  const found = (inside[1] ?? "").matchAll(
    /<(method|signal|property) ([^>]*?)(?:\/>|>(.*?)<\/\1>)/gs,
  );
  return [...found].map(([, kind = "", head = "", body = ""]): Member => {
    const member = attribute(head, "name");
    if (kind === "property") {
      const access = attribute(head, "access");
      return { kind, name: member, synopsis: `${member}: ${attribute(head, "type")} (${access})`, doc: "" };
    }
    if (kind !== "method" && kind !== "signal") throw new Error(`${name}: ${kind} is not a kind of member`);
    const args = [...body.matchAll(/<arg ([^>]*?)(?:\/>|>(.*?)<\/arg>)/gs)].map((
      [, arg = "", text = ""],
    ) => ({
      text: `${attribute(arg, "type")} ${attribute(arg, "name")}`,
      out: attribute(arg, "direction") === "out",
      doc: docOf(text),
      name: attribute(arg, "name"),
    }));
    const list = (out: boolean): string => args.filter((a) => a.out === out).map((a) => a.text).join(", ");
    const results = list(true);
    const own = docOf(body.replace(/<arg .*/s, ""));
    return {
      kind,
      name: member,
      synopsis: `${member}(${list(false)})${results === "" ? "" : ` -> ${results}`}`,
      doc: [own, ...args.filter((a) => a.doc !== "").map((a) => `*${a.name}*: ${a.doc}`)].join(" ").trim(),
    };
  });
}

/** One member as a term; what follows it in the chapter tells of it. */
export function memberBlock(interfaceName: string, memberName: string): Block {
  const member = membersOf(interfaceName).find(({ name }) => name === memberName);
  if (member === undefined) throw new Error(`${interfaceName} has no ${memberName}`);
  const body: Block[] = member.doc === "" ? [] : [{ is: "text", text: member.doc }];
  return { is: "define", terms: [`${member.kind} **${member.synopsis}**`], body };
}

export function memberBlocks(interfaceName: string): readonly Block[] {
  return membersOf(interfaceName).map(({ name }) => memberBlock(interfaceName, name));
}
