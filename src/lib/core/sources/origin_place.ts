import type { Origin } from "../../config/origin.ts";

/** File and line, for claims and evidence. */
export const placeOf = (origin: Origin): { readonly file: string; readonly line: number } =>
  origin.kind === "file" ? { file: origin.file, line: origin.line } : { file: "default", line: 0 };
