/** The current place in the page: the part after `#` in the address. */
import { useSyncExternalStore } from "react";

export const PARTS = ["overview", "subsystems", "configuration", "services"] as const;
export type Part = typeof PARTS[number];

export type Place =
  | { readonly part: Part; readonly options: Readonly<Record<string, string>> }
  | { readonly part: "controller"; readonly daemon: "stafd" | "stacd"; readonly what: string };

/** Compared by its text: Cockpit makes a new object each time. */
const hash = (): string => {
  const { path, options } = globalThis.cockpit.location;
  return JSON.stringify([path, options]);
};

function subscribe(changed: () => void): () => void {
  const listener = (): void => {
    if (isOn) changed();
  };
  let isOn = true;
  globalThis.cockpit.addEventListener("locationchanged", listener);
  return () => {
    isOn = false;
  };
}

export function usePlace(): Place {
  useSyncExternalStore(subscribe, hash);
  const { path, options } = globalThis.cockpit.location;
  const texts = Object.fromEntries(
    Object.entries(options).map((
      [name, value],
    ) => [name, typeof value === "string" ? value : value[0] ?? ""]),
  );
  const [first, second] = path;
  if (first === "controller" && (second === "stafd" || second === "stacd")) {
    return { part: "controller", daemon: second, what: texts["what"] ?? "" };
  }
  return { part: PARTS.find((part) => part === first) ?? "overview", options: texts };
}

export function go(part: Part, options: Readonly<Record<string, string>> = {}): void {
  globalThis.cockpit.location.go(part === "overview" ? [] : [part], options);
}

export const hrefOf = (part: Part): string => part === "overview" ? "#/" : `#/${part}`;

export const controllerHref = (daemon: "stafd" | "stacd", text: string): string =>
  `#/controller/${daemon}?what=${encodeURIComponent(text)}`;
