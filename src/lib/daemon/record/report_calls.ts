/** Reports on the bus: each belongs to its caller, and ends when the caller leaves. */
import type { BusKeeper } from "../../dbus/reconnect.ts";
import type { ReportHandlers } from "../../dbus/server.ts";
import { type ReportParts, Reports } from "./reports.ts";

export function reportCalls(parts: ReportParts, keeper: Pick<BusKeeper, "bus">): ReportHandlers {
  const reports = new Reports(parts, async (caller, left) => {
    const watched = await keeper.bus?.watchName(caller, (owner) => {
      if (owner === "") left();
    });
    return watched?.ok === true ? watched.remove : undefined;
  });
  return {
    reportBegin: (caller) => reports.begin(caller),
    reportPiece: (caller, report) => reports.piece(caller, report),
  };
}
