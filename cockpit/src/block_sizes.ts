/** The sizes of block devices: lsblk reads them from sysfs. */
import { useEffect, useState } from "react";
import { run } from "./programs.ts";

export type Sizes = ReadonlyMap<string, number>;

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null;

/** Parses the output of `lsblk --json`; empty if the output is anything else. */
export function parseSizes(text: string): Sizes {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return new Map();
  }
  const devices = isRecord(parsed) && Array.isArray(parsed["blockdevices"]) ? parsed["blockdevices"] : [];
  return new Map(
    devices.flatMap((one: unknown): [string, number][] => {
      if (!isRecord(one) || typeof one["name"] !== "string") return [];
      // Old versions print numbers as texts.
      const size = Number(one["size"]);
      return Number.isFinite(size) ? [[one["name"], size]] : [];
    }),
  );
}

/** `names` are the block devices that are shown: when they change, sizes are read again. */
export function useSizes(names: string): Sizes {
  const [sizes, setSizes] = useState<Sizes>(new Map());
  useEffect(() => {
    let isWanted = true;
    const read = async (): Promise<void> => {
      const ended = await run(["lsblk", "--json", "--bytes", "--nodeps", "--output", "NAME,SIZE"]);
      if (isWanted && ended.ok && ended.value.status === 0) setSizes(parseSizes(ended.value.out));
    };
    if (names !== "") void read();
    return () => {
      isWanted = false;
    };
  }, [names]);
  return sizes;
}

const UNITS = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"] as const;

export function sizeText(bytes: number): string {
  const power = bytes < 1024 ? 0 : Math.min(UNITS.length - 1, Math.floor(Math.log2(bytes) / 10));
  const value = bytes / 1024 ** power;
  return `${value < 10 && power > 0 ? value.toFixed(1) : value.toFixed(0)} ${UNITS[power] ?? ""}`;
}
