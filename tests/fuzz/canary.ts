/**
 * A parser that is broken on purpose: it walks extended attributes and believes their lengths. The harness has to find
 * that; when it does not, it finds nothing else either. It is no part of {@link allFuzzers}.
 */
import { viewOf } from "../../src/lib/nvme/fields.ts";
import type { Fuzzer } from "./fuzzer.ts";

function believe(bytes: Uint8Array): number {
  const view = viewOf(bytes);
  if (bytes.length < 8 || view.getUint16(0, true) !== 0x4e51) return 0;
  const count = view.getUint16(2, true);
  if (count > 64) return 0;
  let at = 4;
  let sum = 0;
  for (let i = 0; i < count; i++) {
    if (at + 4 > bytes.length) return 0;
    const length = view.getUint16(at + 2, true);
    if (length === 0 || length % 4 !== 0) return 0;
    // Here the end is not checked.
    sum += view.getUint32(at + length, true);
    at += 4 + length;
  }
  return sum;
}

export const canary: Fuzzer = {
  name: "canary",
  seeds: [Uint8Array.of(0x51, 0x4e, 2, 0, 1, 0, 4, 0, 9, 9, 9, 9, 2, 0, 8, 0, 7, 7, 7, 7, 7, 7, 7, 7)],
  run: (input) => believe(input) === 0 ? "nothing" : "a sum",
};
