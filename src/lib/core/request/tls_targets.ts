/** Targets for TLS: one target, whatever the interface and source address. */
import { tlsOfEntry } from "../../nvme/entry_tls.ts";
import type { KernelCtrl } from "../../nvme/kernel_ctrl.ts";
import { canonicalAddress, type Tid } from "../../nvme/tid.ts";
import type { Ctl } from "../controller/ctl.ts";

/** A target by its far side: TLS that it has proved once counts for every path to it, and for every host NQN. */
export const securedKey = ({ transport, traddr, trsvcid, subsysnqn }: Tid): string =>
  JSON.stringify([transport, canonicalAddress(transport, traddr), trsvcid, subsysnqn]);

/** Does this connection use TLS, as far as the kernel proves it? */
export const isByTls = ({ made }: KernelCtrl): boolean => made?.tls === "tls" || made?.tls === "concat";

/** Can a page's demand for TLS affect this controller? Then the host's TLS set-up is examined before an attempt. */
export const isAboutTls = ({ claims }: Ctl): boolean =>
  [...claims.values()].some((claim) =>
    (claim.kind === "log-page" || claim.kind === "referral") && tlsOfEntry(claim.entry) !== "none"
  );
