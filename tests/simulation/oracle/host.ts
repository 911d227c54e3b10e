/** Who the host is, by its own files (requirements 10). */
import { valuesOf } from "./ini.ts";

export interface Host {
  readonly nqn: string;
  readonly id: string;
  readonly key: string | undefined;
}

/** CFG-70 to CFG-78. `read` gives the text of a file, undefined for one that is missing. */
export function hostOf(read: (path: string) => string | undefined): Host {
  const sysConf = (valuesOf(read("/etc/stas/sys.conf") ?? "") ?? []).filter((one) => one.section === "Host");
  const value = (option: string): string => {
    const text = sysConf.filter((one) => one.option === option && one.text !== undefined).at(-1)?.text ??
      `file:///etc/nvme/host${option}`;
    if (!text.startsWith("file://")) return text;
    const [line = ""] = (read(text.slice("file://".length)) ?? "").split("\n");
    return line.trim().split(/\s+/)[0] ?? "";
  };
  const key = value("key");
  return { nqn: value("nqn"), id: value("id"), key: key === "" ? undefined : key };
}
