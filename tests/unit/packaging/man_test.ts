import assert from "node:assert/strict";
import { manualPages } from "../../../scripts/package/man.ts";
import { type Block, flat, parsePage } from "../../../scripts/package/man_block.ts";
import { commandBlocks, toolDefinition, TOOLS } from "../../../scripts/package/man_commands.ts";
import { confBlocks } from "../../../scripts/package/man_conf.ts";
import { membersOf } from "../../../scripts/package/man_interface.ts";
import { troff } from "../../../scripts/package/man_troff.ts";
import { KNOWN_OPTIONS } from "../../../src/lib/config/known_options.ts";
import { parseStacdConf } from "../../../src/lib/config/stacd_conf.ts";
import { parseStafdConf } from "../../../src/lib/config/stafd_conf.ts";
import { daemonHelp } from "../../../src/lib/daemon/daemon_options.ts";
import { STAC_XML, STAF_XML } from "../../../src/lib/dbus/interfaces.ts";

const PAGES = manualPages();

function page(name: string): readonly Block[] {
  const found = PAGES.find((one) => one.name === name);
  assert.ok(found !== undefined, `no page ${name}`);
  return flat(found.blocks);
}

const terms = (blocks: readonly Block[]): string[] =>
  blocks.flatMap((block) => block.is === "define" ? block.terms : []);

/** Code blocks of a kind, of all pages. */
function examples(kind: RegExp): { readonly page: string; readonly kind: string; readonly text: string }[] {
  return PAGES.flatMap(({ name, blocks }) =>
    flat(blocks).flatMap((block) =>
      block.is === "code" && kind.test(block.kind)
        ? [{ page: name, kind: block.kind, text: `${block.lines.join("\n")}\n` }]
        : []
    )
  );
}

Deno.test("pages: headings, paragraphs, lists, definitions, code", () => {
  const { name, section, title, blocks } = parsePage(
    "x.page",
    "# x(1) - what it is\n## One\nfirst\nline\n\n- a\n  b\n\n**t**\n: body\n  more\n\n  second\n```console\n.$ x\n```\n",
    () => [],
  );
  assert.deepEqual([name, section, title], ["x", 1, "what it is"]);
  assert.deepEqual(blocks, [
    { is: "section", text: "One" },
    { is: "text", text: "first line" },
    { is: "bullet", text: "a b" },
    {
      is: "define",
      terms: ["**t**"],
      body: [{ is: "text", text: "body more" }, { is: "text", text: "second" }],
    },
    { is: "code", kind: "console", lines: [".$ x"] },
  ]);
  assert.throws(() => parsePage("x.page", "x", () => []), /x\.page:1/);
  assert.throws(() => parsePage("x.page", "# x(1) - y\n```\n", () => []), /no end/);
});

Deno.test("troff: nothing in a text is a request, an escape, or a typographic character", () => {
  const blocks: Block[] = [
    { is: "text", text: ".not a request, 'nor this; back\\slash, `-x` and **b** *i* 2 * 3" },
    { is: "code", kind: "", lines: [".dot", "'quote", "a\\n-b"] },
  ];
  const text = troff({ name: "x", section: 1, title: "t", blocks }, "1", "2026-01-01");
  assert.match(text, /^\\&\.not a request, \\\(aqnor this; back\\eslash, \\fB\\-x\\fR and/m);
  assert.match(text, /\\fBb\\fR \\fIi\\fR 2 \* 3$/m);
  assert.match(text, /^\\&\.dot\n\\\(aqquote\na\\en\\-b$|^\\&\.dot\n\\&\\\(aqquote\na\\en\\-b$/m);
  const requests = text.split("\n").filter((line) => /^[.']/.test(line)).map((line) => line.slice(0, 3));
  assert.deepEqual(
    new Set(requests),
    new Set(['.\\"', ".TH", ".nh", ".SH", ".PP", ".RS", ".nf", ".fi", ".RE"]),
  );
});

Deno.test("every command and option of a tool is in its page", () => {
  for (const tool of TOOLS) {
    const all = terms(page(tool)).join("\n");
    for (const command of toolDefinition(tool).commands) {
      assert.match(all, new RegExp(`^\\*\\*${command.name()}\\*\\*`, "m"), `${tool} ${command.name()}`);
      const inside = terms(flat(commandBlocks(tool, () => []))).join("\n");
      for (const { long } of command.options) assert.ok(inside.includes(`**${long}**`), `${tool} ${long}`);
    }
  }
});

Deno.test("every option of a daemon is in its page, and every page that a unit refers to exists", () => {
  const names = new Set(PAGES.map((one) => `${one.name}(${one.section})`));
  for (const daemon of ["stafd", "stacd"]) {
    const all = terms(page(daemon)).join("\n");
    const options = daemonHelp(daemon, "", "").matchAll(/--[a-z-]+/g);
    for (const [option] of options) assert.ok(all.includes(`**${option}**`), `${daemon} ${option}`);
  }
  const folders = ["systemd", "packaging/metrics"];
  const units = folders.flatMap((folder) =>
    [...Deno.readDirSync(folder)].filter(({ name }) => /\.(service|target|timer)$/.test(name))
      .map(({ name }) => `${folder}/${name}`)
  );
  assert.equal(units.length, 6);
  for (const unit of units) {
    const pages = [...Deno.readTextFileSync(unit).matchAll(/man:(\S+)/g)].map(([, name = ""]) => name);
    assert.ok(pages.length > 0, unit);
    for (const name of pages) assert.ok(names.has(name), `${unit}: ${name}`);
  }
});

Deno.test("every option of the configuration is in its page, under its section", () => {
  for (const daemon of ["stafd", "stacd"] as const) {
    const found: string[] = [];
    let section = "";
    for (const block of page(`${daemon}.conf`)) {
      if (block.is === "subsection") section = block.text;
      if (block.is === "define") {
        for (const term of block.terms) {
          const name = /^\*\*([a-z-]+)\*\* =/.exec(term)?.[1];
          if (name !== undefined) found.push(`${section} ${name}`);
        }
      }
    }
    const known = KNOWN_OPTIONS.filter(({ daemons }) => daemons.includes(daemon))
      .map(({ section: of, option }) => `[${of}] ${option}`);
    assert.deepEqual(found.toSorted(), known.toSorted(), daemon);
  }
});

Deno.test("options of a file: terms with defaults, what is indented is kept, what is about no option, too", () => {
  assert.deepEqual(confBlocks("# head\n\n[S]\n# One,\n# two.\n#   a, b\n#x = 1\n#y =\n\n# Loose.\n\n"), [
    { is: "subsection", text: "[S]" },
    {
      is: "define",
      terms: ["**x** = *1*", "**y** ="],
      body: [{ is: "text", text: "One, two." }, { is: "code", kind: "", lines: ["a, b"] }],
    },
    { is: "text", text: "Loose." },
  ]);
});

Deno.test("every member of every interface is in its page, once, with what it takes and gives", () => {
  const names = [...`${STAF_XML}${STAC_XML}`.matchAll(/<interface name="(org\.nvmexpress[^"]+)"/g)]
    .map(([, name = ""]) => name);
  assert.equal(names.length, 6);
  for (const name of names) {
    const members = membersOf(name);
    assert.ok(members.length > 0);
    const documented = terms(page(name)).filter((term) => /^(method|signal|property) /.test(term));
    assert.deepEqual(
      documented.toSorted(),
      members.map(({ kind, synopsis }) => `${kind} **${synopsis}**`).toSorted(),
      name,
    );
  }
  assert.ok(
    membersOf("org.nvmexpress.staf").some(({ synopsis }) =>
      synopsis === "list_controllers(b detailed) -> aa{ss} controller_list"
    ),
  );
});

Deno.test("example: configuration in the pages has no finding", () => {
  const confs = examples(/^conf /);
  assert.ok(confs.length >= 5);
  for (const { page: at, kind, text } of confs) {
    if (kind === "conf sys.conf") continue;
    const parse = kind === "conf stafd.conf" ? parseStafdConf : parseStacdConf;
    assert.deepEqual(parse(text, at).findings, [], `${at}:\n${text}`);
  }
});

Deno.test("pages that are referred to exist, or are others'", () => {
  const own = new Set(PAGES.map(({ name, section }) => `${name}(${section})`));
  const others = new Set(["systemd.unit(5)", "modules-load.d(5)", "fstab(5)", "nvme(1)"]);
  for (const { name, blocks } of PAGES) {
    for (const block of flat(blocks)) {
      if (block.is !== "text") continue;
      for (const [, to = "", section] of block.text.matchAll(/\*\*([^*]+)\*\*\((\d)\)/g)) {
        const target = `${to}(${section})`;
        assert.ok(own.has(target) || others.has(target), `${name}: ${target}`);
      }
    }
  }
});

Deno.test("types of the versioned interfaces that a page speaks of are declared in it", () => {
  for (const name of ["org.nvmexpress.staf.v1", "org.nvmexpress.stac.v1"]) {
    const text = page(name).map((block) => block.is === "code" ? block.lines.join("\n") : "").join("\n");
    const declared = new Set([...text.matchAll(/^(?:interface|type) (V1\w+)/gm)].map(([, type]) => type));
    const spokenOf = new Set([...text.matchAll(/\bV1\w+/g)].map(([type]) => type));
    assert.ok(declared.size >= 12, name);
    assert.deepEqual([...spokenOf].filter((type) => !declared.has(type)), [], name);
  }
});
