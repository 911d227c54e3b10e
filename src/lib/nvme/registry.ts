/** nvme-cli's registry of owners: `/run/nvme/registry/nvmeN/{owner,seqnum}` (libnvme 3). */

/** Our name in it. */
export const OWNER = "stas";

/** The longest accepted name (S6). */
const MAX_OWNER = 64;

/** The name in an `owner` file: its first line. Empty when the file holds no name. */
export function parseOwner(text: string): string {
  const name = (text.split("\n", 1)[0] ?? "").trim();
  return name.length <= MAX_OWNER && /^[!-~]+$/.test(name) ? name : "";
}

/** The file's text, with the line end that other readers expect. */
export function registryText(value: string | bigint): string {
  return `${value}\n`;
}
