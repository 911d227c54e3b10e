/** Targets as TLS looks at them: one target by each interface and source address. */
import { tlsOfEntry } from "../nvme/entry_tls.ts";
import type { KernelCtrl } from "../nvme/kernel_ctrl.ts";
import { canonicalAddress, type Tid } from "../nvme/tid.ts";
import type { Ctl } from "./ctl.ts";

/** A target by its far side: what it proved once counts by whichever way it is reached, and whoever we are. */
export const securedKey = ({ transport, traddr, trsvcid, subsysnqn }: Tid): string =>
  JSON.stringify([transport, canonicalAddress(transport, traddr), trsvcid, subsysnqn]);

/** Is this connection by TLS, as far as the kernel has proved it? */
export const isByTls = ({ made }: KernelCtrl): boolean => made?.tls === "tls" || made?.tls === "concat";

/** Does what a page says about TLS matter for this controller: is the host to be looked at before an attempt? */
export const isAboutTls = ({ claims }: Ctl): boolean =>
  [...claims.values()].some((claim) =>
    (claim.kind === "log-page" || claim.kind === "referral") && tlsOfEntry(claim.entry) !== "none"
  );
