/** Whether Cockpit's administrative access is on. */
import { useSyncExternalStore } from "react";
import type { HostPermission } from "./host_types.ts";

let permission: HostPermission | undefined;
const listeners = new Set<() => void>();

function opened(): HostPermission {
  if (permission === undefined) {
    permission = globalThis.cockpit.permission({ admin: true });
    permission.addEventListener("changed", () => {
      for (const listener of listeners) listener();
    });
  }
  return permission;
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** Null while it is not known. */
export const useAdmin = (): boolean | null => useSyncExternalStore(subscribe, () => opened().allowed);
