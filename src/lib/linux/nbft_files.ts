/** The boot firmware's NVMe tables (STAF-12; DEC-8). */
import { decodeNbft, type Nbft } from "../nvme/nbft.ts";
import type { Log } from "../ports.ts";
import { errnoOf, isGone } from "./os_error.ts";

const FOLDER = "/sys/firmware/acpi/tables";
/** A table has a few kilobytes (S6). */
const MAX_BYTES = 1024 * 1024;

export interface NbftFile {
  readonly file: string;
  readonly nbft: Nbft;
}

/** All readable tables, in the order of their names; an unreadable one counts as empty and is reported. */
export function readNbftFiles(log: Log, folder: string = FOLDER): readonly NbftFile[] {
  const found: NbftFile[] = [];
  for (const name of namesIn(folder)) {
    const file = `${folder}/${name}`;
    const problem = read(file, found);
    if (problem !== undefined) log.write({ level: "warning", message: `${file} is not used: ${problem}` });
  }
  if (found.length > 0) {
    log.write({ level: "info", message: `boot tables: ${found.map(({ file }) => file).join(", ")}` });
  }
  return found;
}

/** `NBFT`, or `NBFT1`, `NBFT2` and so on if there are several. */
function namesIn(folder: string): readonly string[] {
  try {
    return [...Deno.readDirSync(folder)].map(({ name }) => name).filter((name) => /^NBFT\d*$/.test(name))
      .sort();
  } catch (error) {
    if (isGone(errnoOf(error))) return [];
    throw error;
  }
}

function read(file: string, found: NbftFile[]): string | undefined {
  try {
    const bytes = Deno.readFileSync(file);
    if (bytes.length > MAX_BYTES) return `it has ${bytes.length} bytes`;
    const decoded = decodeNbft(bytes);
    if (!decoded.ok) return decoded.problem;
    found.push({ file, nbft: decoded.value });
    return undefined;
  } catch (error) {
    if (errnoOf(error) === 0) throw error;
    return String(error);
  }
}
