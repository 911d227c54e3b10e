/** What the journal tells of events, from the ids in the source and the catalog that explains them. */
import { MESSAGES } from "../../src/lib/base/messages.ts";
import type { Block } from "./man_block.ts";

export const CATALOG = "packaging/catalog/nvme-stas.catalog";

export interface Explained {
  readonly id: string;
  readonly subject: string;
  readonly text: string;
}

/** The entries of a catalog of the journal (systemd's MESSAGE_CATALOG format). */
export function parseCatalog(catalog: string): readonly Explained[] {
  return catalog.split(/^-- /m).slice(1).map((entry) => {
    const [head = "", ...paragraphs] = entry.split("\n\n");
    const [id = "", ...fields] = head.split("\n");
    const subject = fields.find((field) => field.startsWith("Subject: "))?.slice("Subject: ".length) ?? "";
    if (!/^[0-9a-f]{32}$/.test(id) || subject === "") {
      throw new Error(`${CATALOG}: "${head}" is no head of an entry`);
    }
    return { id, subject, text: paragraphs.join("\n\n").trim() };
  });
}

/** Each event with its id. */
export function eventBlocks(): readonly Block[] {
  const explained = new Map(parseCatalog(Deno.readTextFileSync(CATALOG)).map((entry) => [entry.id, entry]));
  return Object.entries(MESSAGES).map(([type, id]): Block => {
    const subject = explained.get(id)?.subject.replaceAll(/@([A-Z_]+)@/g, "*$1*");
    if (subject === undefined) throw new Error(`${CATALOG} does not explain ${type} (${id})`);
    return {
      is: "define",
      terms: [`**${type}**`],
      body: [{ is: "text", text: `${subject}. **MESSAGE_ID=${id}**` }],
    };
  });
}
