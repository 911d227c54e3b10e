/** All manual pages: chapters from packaging/man, filled in from the programs' own definitions. */
import { type Block, type Page, parsePage } from "./man_block.ts";
import { commandBlocks, type ToolName, toolOptions, TOOLS } from "./man_commands.ts";
import { confBlocks } from "./man_conf.ts";
import { memberBlock, memberBlocks } from "./man_interface.ts";
import { eventBlocks } from "./man_journal.ts";
import { findingBlocks, optionBlocks } from "./man_tables.ts";
import { typeBlocks } from "./man_types.ts";

const CHAPTERS = "packaging/man";

function toolName(text: string): ToolName {
  const found = TOOLS.find((tool) => tool === text);
  if (found === undefined) throw new Error(`${text} is not a tool; there are: ${TOOLS.join(", ")}`);
  return found;
}

/** Texts that pages share: `name.inc.page`. */
function included(name: string): readonly Block[] {
  const file = `${CHAPTERS}/${name}.inc.page`;
  return parsePage(file, `# ${name}(7) - part\n${Deno.readTextFileSync(file)}`, expand).blocks;
}

/** What a chapter says about single commands: a file `TOOL.COMMAND.inc.page`, or `ctl.COMMAND.inc.page` for both daemons' tools. */
function about(tool: ToolName, command: string): readonly Block[] {
  for (const name of [`${tool}.${command}`, `ctl.${command}`]) {
    try {
      return included(name);
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
  return [];
}

function expand(words: readonly string[]): readonly Block[] {
  const [what = "", name = "", ...more] = words;
  switch (what) {
    case "options":
      return toolOptions(toolName(name));
    case "commands":
      return commandBlocks(toolName(name), (command) => about(toolName(name), command));
    case "conf":
      return confBlocks(Deno.readTextFileSync(`etc/stas/${name}`));
    case "member":
      return more.map((member) => memberBlock(name, member));
    case "members":
      return memberBlocks(name);
    case "types":
      return typeBlocks([name, ...more]);
    case "findings":
      return findingBlocks();
    case "connect-options":
      return optionBlocks();
    case "events":
      return eventBlocks();
    case "include":
      return included(name);
    default:
      throw new Error(
        `{{${
          words.join(" ")
        }}}: must begin with options, commands, conf, member, types, findings, connect-options, events or include`,
      );
  }
}

/** Every page, by name. Reads the chapters from the current folder. */
export function manualPages(): readonly Page[] {
  return [...Deno.readDirSync(CHAPTERS)].map(({ name }) => name)
    .filter((name) => name.endsWith(".page") && !name.endsWith(".inc.page")).sort()
    .map((name) => {
      const page = parsePage(
        `${CHAPTERS}/${name}`,
        Deno.readTextFileSync(`${CHAPTERS}/${name}`),
        expand,
      );
      if (name !== `${page.name}.${page.section}.page`) {
        throw new Error(`${CHAPTERS}/${name}: its first line says ${page.name}(${page.section})`);
      }
      return page;
    });
}
