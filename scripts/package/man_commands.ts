/** The commands of a tool for its manual page, from the definitions that its command line and help come from. */
import type { CommandUnknownOpts, Option } from "@commander-js/extra-typings";
import { wholeTool } from "../../src/ctl/daemon_tool.ts";
import { stasadm } from "../../src/ctl/stasadm.ts";
import type { World } from "../../src/ctl/world.ts";
import { STAC, STAF } from "../../src/lib/dbus/interfaces.ts";
import type { Block } from "./man_block.ts";

const NOBODY = { write: () => false, isTerminal: false, columns: 80 };

/** A definition is never run here, so that its world is never looked at. */
const NOWHERE: World = {
  out: NOBODY,
  err: NOBODY,
  bus: "",
  confDir: "/etc/stas",
  root: "",
  uid: 0,
  env: () => undefined,
  run: () => Promise.resolve(undefined),
  now: () => 0,
  dropPermissions: () => {},
  interrupted: () => Promise.resolve(),
};

export const TOOLS = ["stafctl", "stacctl", "stasadm"] as const;
export type ToolName = typeof TOOLS[number];

export function toolDefinition(name: ToolName): CommandUnknownOpts {
  const finish = async (): Promise<void> => {};
  switch (name) {
    case "stafctl":
      return wholeTool({ name, daemon: "stafd", service: STAF }, NOWHERE, finish);
    case "stacctl":
      return wholeTool({ name, daemon: "stacd", service: STAC }, NOWHERE, finish);
    case "stasadm":
      return stasadm(NOWHERE, { machineId: "", productUuid: "", partitionUuid: "", root: true }, () => {});
  }
}

/** `-t, --transport <transport>` with the names in bold and the value in italics. */
function flags({ flags: text }: Option): string {
  return text.replace(/--?[a-z-]+/g, "**$&**").replace(/<([^>]+)>/, "*$1*");
}

function optionBlock(option: Option): Block {
  const sentence = option.description.replace(/^./, (letter) => letter.toUpperCase());
  const fallback = option.defaultValueDescription ?? option.defaultValue;
  const more = [
    option.argChoices === undefined ? "" : `One of: ${option.argChoices.join(", ")}.`,
    typeof fallback === "string" && fallback !== "" ? `Default: ${fallback}.` : "",
    option.mandatory ? "Mandatory." : "",
  ];
  return {
    is: "define",
    terms: [flags(option)],
    body: [{
      is: "text",
      text: [`${sentence}.`, ...more].filter((t) => t !== "").join(" "),
    }],
  };
}

/** The options of the tool itself. */
export function toolOptions(name: ToolName): readonly Block[] {
  return [
    ...toolDefinition(name).options.map(optionBlock),
    {
      is: "define",
      terms: ["**-h**, **--help**"],
      body: [{ is: "text", text: "Show help, of the tool or of a command." }],
    },
  ];
}

/** What a chapter adds to a command, by the command's name. */
export type More = (command: string) => readonly Block[];

export function commandBlocks(name: ToolName, more: More): readonly Block[] {
  return toolDefinition(name).commands.map((command): Block => {
    const values = command.registeredArguments.map((argument) => {
      const { argChoices, required } = argument;
      const text = argChoices === undefined
        ? `*${argument.name()}*`
        : argChoices.map((choice) => `**${choice}**`).join("|");
      return required ? ` ${text}` : ` [${text}]`;
    }).join("");
    const options = command.options.length === 0 ? "" : " [*options*]";
    const description = command.description().replace(/^./, (letter) => letter.toUpperCase());
    return {
      is: "define",
      terms: [`**${command.name()}**${options}${values}`],
      body: [
        { is: "text", text: `${description}.` },
        ...more(command.name()),
        ...command.options.map(optionBlock),
      ],
    };
  });
}
