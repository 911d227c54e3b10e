/** A manual page as blocks, and the little Markdown that its chapters are written in. */

export type Block =
  | { readonly is: "section" | "subsection" | "text"; readonly text: string }
  | { readonly is: "code"; readonly kind: string; readonly lines: readonly string[] }
  | { readonly is: "bullet"; readonly text: string }
  | { readonly is: "define"; readonly terms: readonly string[]; readonly body: readonly Block[] };

export interface Page {
  readonly name: string;
  readonly section: number;
  readonly title: string;
  readonly blocks: readonly Block[];
}

/** Fills in what `{{words}}` on a line of its own stand for. */
export type Expand = (words: readonly string[]) => readonly Block[];

/** A page from its text; `file` is for errors. The first line is `# name(section) - what it is`. */
export function parsePage(file: string, markdown: string, expand: Expand): Page {
  const [head = "", ...lines] = markdown.split("\n");
  const match = /^# (\S+)\((\d)\) - (.+)$/.exec(head);
  if (match === null) throw new Error(`${file}:1: "${head}" is not "# name(section) - what it is"`);
  const [, name = "", section = "", title = ""] = match;
  return { name, section: Number(section), title, blocks: parseBlocks(file, lines, expand) };
}

function parseBlocks(file: string, lines: readonly string[], expand: Expand): Block[] {
  const blocks: Block[] = [];
  let at = 0;
  const line = (): string => lines[at] ?? "";
  const take = (more: (text: string) => boolean): string[] => {
    const taken: string[] = [];
    while (at < lines.length && more(line())) {
      taken.push(line());
      at += 1;
    }
    return taken;
  };
  while (at < lines.length) {
    const heading = /^(###?) (.+)$/.exec(line());
    const fence = /^```(.*)$/.exec(line());
    const fill = /^\{\{(.+)\}\}$/.exec(line());
    if (line().trim() === "") at += 1;
    else if (heading !== null) {
      blocks.push({ is: heading[1] === "##" ? "section" : "subsection", text: heading[2] ?? "" });
      at += 1;
    } else if (fence !== null) {
      at += 1;
      const inside = take((text) => text !== "```");
      if (at === lines.length) throw new Error(`${file}: a code block has no end`);
      at += 1;
      blocks.push({ is: "code", kind: fence[1] ?? "", lines: inside });
    } else if (fill !== null) {
      at += 1;
      const filled = [...expand((fill[1] ?? "").split(" "))];
      const last = filled.at(-1);
      // A paragraph right behind a definition that was filled in tells of it.
      if (last?.is === "define" && isText(line())) {
        filled[filled.length - 1] = {
          ...last,
          body: [...last.body, { is: "text", text: joined(take(isText)) }],
        };
      }
      blocks.push(...filled);
    } else if (line().startsWith("- ")) {
      const [first = "", ...rest] = [line(), ...(at += 1, take((text) => text.startsWith("  ")))];
      blocks.push({ is: "bullet", text: joined([first.slice(2), ...rest]) });
    } else {
      const start = at;
      const text = take(isText);
      if (!line().startsWith(": ")) blocks.push({ is: "text", text: joined(text) });
      else {
        if (at === start) throw new Error(`${file}: ": " without a term before it`);
        const [first = "", ...rest] = [
          line(),
          ...(at += 1, take((one) => one.startsWith("  ") || one.trim() === "")),
        ];
        const body = [first, ...rest].map((one) => one.slice(2));
        blocks.push({ is: "define", terms: text, body: parseBlocks(file, body, expand) });
      }
    }
  }
  return blocks;
}

const isText = (line: string): boolean => line.trim() !== "" && !/^(: |```|\{\{|#)/.test(line);

const joined = (lines: readonly string[]): string => lines.map((one) => one.trim()).join(" ");

/** All blocks, also those inside definitions. */
export function flat(blocks: readonly Block[]): readonly Block[] {
  return blocks.flatMap((block) => block.is === "define" ? [block, ...flat(block.body)] : [block]);
}
