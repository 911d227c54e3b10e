/** nvme-cli's registry of owners: `/run/nvme/registry/nvmeN/{owner,seqnum}` (libnvme 3; notes section 6). */

/** Our name in it. */
export const OWNER = "stas";
/** The owner of connections made from the boot table. */
export const BOOT_OWNER = "nbft";

/** Longest name that is believed (S6). */
const MAX_OWNER = 64;

/** The name in an `owner` file: its first line. Empty when the file holds no name. */
export function parseOwner(text: string): string {
  const name = (text.split("\n", 1)[0] ?? "").trim();
  return name.length <= MAX_OWNER && /^[!-~]+$/.test(name) ? name : "";
}

/** The number in a `seqnum` file: the kernel's uevent number at the time of the connect. */
export function parseSeqnum(text: string): bigint | undefined {
  const number = text.trim();
  return /^[0-9]{1,20}$/.test(number) ? BigInt(number) : undefined;
}

/** The file's text, with the line end that other readers expect. */
export function registryText(value: string | bigint): string {
  return `${value}\n`;
}

/** S1: does it belong to somebody else? What has no owner belongs to nobody. */
export function isForeign(owner: string): boolean {
  return owner !== "" && owner !== OWNER;
}
