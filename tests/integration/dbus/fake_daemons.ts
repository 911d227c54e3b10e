/** Daemons that answer what a test tells them to. */
import type { StacActs, StafActs, StafHandlers } from "../../../src/lib/dbus/server.ts";

/** Answers that show what was asked. */
export function stafHandlers(
  over: Partial<StafHandlers & StafActs & StacActs> = {},
): StafHandlers & StafActs & StacActs {
  let tron = false;
  return {
    listControllers: (detailed) => [{ transport: "tcp", traddr: "10.0.0.1", detailed: String(detailed) }],
    getLogPages: (tid) => [{ asked: JSON.stringify(tid) }],
    getAllLogPages: (detailed) => JSON.stringify([{ detailed }]),
    processInfo: () => "{}",
    controllerInfo: (tid) => JSON.stringify(tid),
    tron: () => tron,
    setTron: (on) => {
      tron = on;
    },
    logLevel: () => tron ? "DEBUG" : "INFO",
    reportBegin: () => Promise.resolve("{}"),
    reportPiece: () => "",
    state: () => "state",
    plan: (config) => `plan ${config.length}`,
    explain: (what) => `explain ${what}`,
    health: () => "health",
    pages: () => "pages",
    pageIndex: () => "page_index",
    drain: ({ uid, what, names }, termMs, mode) =>
      `drain ${what} (${names.join(" and ")}) for ${termMs}, ${mode}, by ${uid}`,
    undrain: ({ uid, what }) => `undrain ${what} by ${uid}`,
    renew: ({ uid, what, names }, mode) => `renew ${what} (${names.join(" and ")}), ${mode}, by ${uid}`,
    forget: ({ uid, what, names }, mode) => `forget ${what} (${names.join(" and ")}), ${mode}, by ${uid}`,
    page: (tid) => `page ${JSON.stringify(tid)}`,
    pageEntries: (tid) => `page_entries ${JSON.stringify(tid)}`,
    ...over,
  };
}
