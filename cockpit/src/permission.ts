/**
 * Whether Cockpit's administrative access is on. The host's own `cockpit.permission` reloads the page on a change, which
 * would discard an edit: this follows the property of the bridge that Cockpit's pages follow.
 */
import { useSyncExternalStore } from "react";
import type { HostProxy } from "./host_types.ts";

let proxy: HostProxy | undefined;
const listeners = new Set<() => void>();

function opened(): HostProxy {
  if (proxy === undefined) {
    proxy = globalThis.cockpit.dbus(null, { bus: "internal" }).proxy("cockpit.Superuser", "/superuser");
    proxy.addEventListener("changed", () => {
      for (const listener of listeners) listener();
    });
  }
  return proxy;
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** `init` while the user is asked for a password. */
function allowed(): boolean | null {
  const { valid, Current: current } = opened();
  return !valid || typeof current !== "string" || current === "init" ? null : current !== "none";
}

/** Null while it is not known. */
export const useAdmin = (): boolean | null => useSyncExternalStore(subscribe, allowed);
