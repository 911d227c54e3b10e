/** Name and version of this machine, for registration with a discovery controller (KRN-47). */
import { entityVersion } from "../nvme/dim.ts";
import { errnoOf } from "./os_error.ts";

export interface Entity {
  readonly hostName: string;
  readonly version: string;
}

const OS_RELEASE = ["/etc/os-release", "/usr/lib/os-release"];

/** Read once; an os-release file that cannot be read leaves the distribution out. */
export function thisEntity(files: readonly string[] = OS_RELEASE): Entity {
  const fields = parseOsRelease(firstText(files));
  return {
    hostName: Deno.hostname(),
    version: entityVersion(
      "Linux",
      Deno.osRelease(),
      fields.get("NAME") ?? "",
      fields.get("VERSION_ID") ?? "",
    ),
  };
}

/** os-release(5): lines `NAME=value`, the value as a shell would read it. */
export function parseOsRelease(text: string): ReadonlyMap<string, string> {
  const fields = new Map<string, string>();
  for (const line of text.split("\n")) {
    const found = /^([A-Z0-9_]+)=(?:"((?:[^"\\]|\\.)*)"|'([^']*)'|(\S*))\s*$/.exec(line.trim());
    if (found === null) continue;
    const [, key = "", double, single, bare] = found;
    fields.set(key, (double ?? bare)?.replace(/\\(.)/g, "$1") ?? single ?? "");
  }
  return fields;
}

function firstText(files: readonly string[]): string {
  for (const file of files) {
    try {
      return Deno.readTextFileSync(file);
    } catch (error) {
      if (errnoOf(error) === 0) throw error;
    }
  }
  return "";
}
