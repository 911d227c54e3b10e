/** The states of a controller, in the kernel's words; empty when the attribute could not be read. */
const KERNEL_STATES = [
  "new",
  "live",
  "resetting",
  "connecting",
  "deleting",
  "deleting (no IO)",
  "dead",
  "unknown state",
  "",
] as const;

export type KernelState = typeof KERNEL_STATES[number];

/** A word that is none of them is what the kernel itself calls a state without a name. */
export const kernelState = (text: string): KernelState =>
  KERNEL_STATES.find((state) => state === text) ?? "unknown state";

/** It will be gone soon, and nothing is done with it any more. */
export const isDeleting = (state: KernelState): boolean =>
  state === "deleting" || state === "deleting (no IO)";
