/**
 * What we publish beside what the original publishes, member by member. The expected members are facts of the interface
 * (requirements 50), compared with the description files of Debian's nvme-stas 2.4.1-2. `.v1` is ours alone.
 */
import assert from "node:assert/strict";
import { STAC_XML, STAF_XML } from "../../../src/lib/dbus/interfaces.ts";

/** `interface member`, to what a client sees of it: kind, arguments with direction, signature and name, or access. */
type Members = Readonly<Record<string, string>>;

const TID =
  "in s transport, in s traddr, in s trsvcid, in s subsysnqn, in s host_traddr, in s host_iface, in s host_nqn";

const debugOf = (name: string): Members => ({
  [`${name}.debug tron`]: "property b readwrite",
  [`${name}.debug log_level`]: "property s read",
  [`${name}.debug process_info`]: "method: out s info_json",
  [`${name}.debug controller_info`]: `method: ${TID}, out s info_json`,
});

const STAF: Members = {
  "org.nvmexpress.staf list_controllers": "method: in b detailed, out aa{ss} controller_list",
  "org.nvmexpress.staf get_log_pages": `method: ${TID}, out aa{ss} log_pages`,
  "org.nvmexpress.staf get_all_log_pages": "method: in b detailed, out s log_pages_json",
  "org.nvmexpress.staf log_pages_changed": `signal: ${TID.replaceAll("in ", "out ")}, out s device`,
  "org.nvmexpress.staf dc_removed": "signal:",
  ...debugOf("org.nvmexpress.staf"),
};

const STAC: Members = {
  "org.nvmexpress.stac list_controllers": "method: in b detailed, out aa{ss} controller_list",
  ...debugOf("org.nvmexpress.stac"),
};

const attributesOf = (text: string): ReadonlyMap<string, string> =>
  new Map([...text.matchAll(/([\w-]+)="([^"]*)"/g)].map(([, name = "", value = ""]) => [name, value]));

/** Reads introspection data tag by tag; what it does not know is an error, so that nothing is overlooked. */
function parse(xml: string): Members {
  const members: Record<string, string> = {};
  let iface = "";
  let member: { readonly kind: string; readonly name: string; readonly args: string[] } | undefined;
  const end = (): void => {
    if (member === undefined) return;
    const name = `${iface} ${member.name}`;
    assert.ok(members[name] === undefined, `${name} twice`);
    members[name] = `${member.kind}: ${member.args.join(", ")}`.trim();
    member = undefined;
  };
  const body = xml.replace(/^<!DOCTYPE[^>]*>/, "");
  for (
    const [, close = "", tag = "", rest = "", whole = ""] of body.matchAll(
      /<(\/?)(\w+)((?:\s+[\w-]+="[^"]*")*)\s*(\/?)>/g,
    )
  ) {
    const attributes = attributesOf(rest);
    const name = attributes.get("name") ?? "";
    switch (tag) {
      case "node":
      case "annotation":
        break;
      case "interface":
        if (close === "") iface = name;
        break;
      case "method":
      case "signal":
        if (close === "") member = { kind: tag, name, args: [] };
        if (close !== "" || whole !== "") end();
        break;
      case "arg": {
        assert.ok(member !== undefined, `${name} belongs to no member`);
        const given = attributes.get("direction");
        const direction = given ?? (member.kind === "signal" ? "out" : "in");
        member.args.push(`${direction} ${attributes.get("type")} ${name}`);
        break;
      }
      case "property":
        if (close === "") {
          members[`${iface} ${name}`] = `property ${attributes.get("type")} ${attributes.get("access")}`;
        }
        break;
      default:
        assert.fail(`unexpected <${tag}>`);
    }
  }
  return members;
}

const without = (members: Members, prefix: RegExp): Members =>
  Object.fromEntries(Object.entries(members).filter(([name]) => !prefix.test(name)));

for (const [daemon, xml, expected] of [["stafd", STAF_XML, STAF], ["stacd", STAC_XML, STAC]] as const) {
  Deno.test(`${daemon} publishes the original's members, no more and no less, beside .v1 and the standard ones`, () => {
    assert.deepEqual(without(parse(xml), /^org\.(freedesktop\.|nvmexpress\.sta[fc]\.v1 )/), expected);
  });

  Deno.test(`${daemon}: a changed name, signature, argument, direction or access would be seen`, () => {
    const changes = [
      ["list_controllers", "list_controller"],
      ['"aa{ss}"', '"aa{sv}"'],
      ['"host_iface"', '"host_if"'],
      ['access="readwrite"', 'access="read"'],
      ['name="detailed" type="b" direction="in"', 'name="detailed" type="b" direction="out"'],
      [
        '<method name="process_info">',
        '<method name="process_info"><arg name="more" type="s" direction="in"/>',
      ],
    ] as const;
    for (const [old, other] of changes) {
      assert.ok(xml.includes(old), old);
      const changed = parse(xml.replaceAll(old, other));
      assert.notDeepEqual(without(changed, /^org\.(freedesktop\.|nvmexpress\.sta[fc]\.v1 )/), expected, old);
    }
  });
}
