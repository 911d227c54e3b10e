/**
 * Small faults that once nobody noticed, each now caught by a test: `deno task mutate --named` puts every one in again. The text
 * that is replaced has to stand in the file exactly once; when the code has moved on, the fault is written anew.
 */
import { LIMIT_FAULTS } from "./limit_faults.ts";
import type { Mutant } from "./operators.ts";

export interface NamedFault {
  readonly name: string;
  readonly path: string;
  readonly find: string;
  readonly replace: string;
}

const core = (file: string): string => `src/lib/core/${file}.ts`;

export const NAMED: readonly NamedFault[] = [
  ...LIMIT_FAULTS,
  {
    name: "an AEN during a job is lost",
    path: core("stafd/dc_session"),
    find: 'putDc(draft, ctl.key, { ...dc, then: dc.then === "sync" ? "sync" : "read-log" });',
    replace: "",
  },
  {
    name: "a link that returns reads no page",
    path: core("stafd/dc_session"),
    find: `    if (state === "live") {
      remindBy(`,
    replace: `    if (state === "new") {
      remindBy(`,
  },
  {
    name: "a cached page takes away",
    path: core("stacd/report_intake"),
    find: 'page === "read" && over === 0',
    replace: "over === 0",
  },
  {
    name: "a page of the same generation is ignored",
    path: core("stacd/report_intake"),
    find: "old.genctr === genctr && old.readAt === readAt;",
    replace: "old.genctr === genctr;",
  },
  {
    name: "the referral depth is off by one",
    path: core("stafd/stafd_state"),
    find: "MAX_REFERRAL_DEPTH = 8;",
    replace: "MAX_REFERRAL_DEPTH = 9;",
  },
  {
    name: "the steps of referrals are not counted",
    path: core("stafd/referrals"),
    find: "follow(listedBy, depths, (depth) => depth + 1, isDeadEnd, looked);",
    replace: "follow(listedBy, depths, (depth) => depth, isDeadEnd, looked);",
  },
  {
    name: "the limit of probes is ignored",
    path: core("fleet/queues"),
    find: "while (draft.state.fleet.reaching < MAX_PROBES) {",
    replace: "while (draft.state.fleet.reaching < 1e9) {",
  },
  {
    name: "a connect goes before the state on disk",
    path: core("fleet/queues"),
    find: "const held = ctl.savedWith > saves.done ? UNSAVED : shared",
    replace: "const held = shared",
  },
  {
    name: "what was left to others is connected before the state on disk says otherwise",
    path: core("fleet/draft"),
    find: "leftToOthers: false, savedWith: draft.state.fleet.saves.wanted",
    replace: "leftToOthers: false",
  },
  {
    name: "what moves to a controller that was left to others is connected before the state on disk says so",
    path: core("fleet/move"),
    find: "old.leftToOthers ? next : takenBack(draft, next)",
    replace: "{ ...next, leftToOthers: old.leftToOthers && next.leftToOthers }",
  },
  {
    name: "a record that had no claim is connected before it is in the state on disk",
    path: core("fleet/claims"),
    find: "if (ctl.claims.size === 0) ctl",
    replace: "if (ctl.claims.size < 0) ctl",
  },
  {
    name: "a connection whose link is back is not read again",
    path: core("controller/links"),
    find: `if (change === "returned") startScan(draft);`,
    replace: "",
  },
  {
    name: "a connection is left to a controller that has another one",
    path: core("fleet/kernel_view"),
    find: `((link.phase === "up" && isOurs) || !serves(view, other, device))`,
    replace: "!serves(view, other, device)",
  },
  {
    name: "a connection that is left to another controller is not that one's at once",
    path: core("fleet/settle"),
    find: "for (const key of ctrl === undefined ? []",
    replace: "for (const key of ctrl === undefined || draft.now.mono >= 0 ? []",
  },
  {
    name: "what a connect made is forgotten when its number may be another's by now",
    path: core("fleet/outcomes"),
    find: "{ ...ctl, restored: true }",
    replace: "ctl",
  },
  {
    name: "a connection that the audit may take counts as a path that stays",
    path: core("fleet/kernel_view"),
    find: " || view.rules.mayBeTaken(view, ctrl)",
    replace: "",
  },
  {
    name: "a soak that was called off keeps its time",
    path: core("fleet/settle"),
    find: "put(draft, ctl = { ...ctl, removeAt: undefined, guard: undefined });",
    replace: "put(draft, ctl = { ...ctl, guard: undefined });",
  },
  {
    name: "there is no soak",
    path: core("retry"),
    find: "REMOVAL_SOAK: Duration = seconds(1);",
    replace: "REMOVAL_SOAK: Duration = seconds(0);",
  },
  {
    name: "attempts are never reset",
    path: core("fleet/connection"),
    find: `    ...takenBack(draft, ctl),
    attempts: 0,
    triedTls: false,
    lastFailure: undefined,`,
    replace: `    ...takenBack(draft, ctl),
    triedTls: false,
    lastFailure: undefined,`,
  },
  {
    name: "NCC by some pages, and not by all",
    path: core("sources/ncc"),
    find: "pages.every(eflagsNcc)",
    replace: "pages.some(eflagsNcc)",
  },
  {
    name: "a boot volume only with the host NQN of the table",
    path: core("fleet/kernel_view"),
    find: "boot.tid.subsysnqn === device.subsysnqn && ",
    replace: "boot.tid.hostNqn === device.hostNqn && boot.tid.subsysnqn === device.subsysnqn && ",
  },
  {
    name: "what is being deleted is adopted",
    path: core("fleet/kernel_view"),
    find: "device === undefined || isDeleting(device.state) || ",
    replace: "device === undefined || ",
  },
  {
    name: "exclusions are not read again after a removal",
    path: core("fleet/device_news"),
    find: '    emit(draft, { do: "exclusions" });\n',
    replace: "",
  },
  {
    name: "kato of [Global] goes before the line's",
    path: "src/lib/config/connect_option.ts",
    find: "{ ...global, ...overrides };",
    replace: "{ ...global, ...overrides, ...(global.kato === undefined ? {} : { kato: global.kato }) };",
  },
  {
    name: "changed options of a line are not taken",
    path: core("sources/lines"),
    find: "      line,\n      also,",
    replace: "      line: old?.line ?? line,\n      also,",
  },
  {
    name: "claims of mDNS count as heard after a restart",
    path: core("saved/saved"),
    find: "        present: false,\n        heard: false,",
    replace: "        present: true,\n        heard: true,",
  },
  {
    name: "a save that failed is not repeated",
    path: core("fleet/events"),
    find: '  remindAt(draft, after(draft.now, SAVE_RETRY), { of: "save" });\n',
    replace: "",
  },
  {
    name: "a state file of any version is believed",
    path: core("saved/saved"),
    find: 'if (!isJson(value) || value["version"] !== STATE_VERSION)',
    replace: "if (!isJson(value))",
  },
  {
    name: "pages of the state file count as read",
    path: core("saved/stafd_saved"),
    find: "fresh: false,",
    replace: "fresh: true,",
  },
  {
    name: "the audit adopts what is shielded",
    path: core("stacd/audit"),
    find: " || shieldOf(draft, device) !== undefined",
    replace: "",
  },
  {
    name: "an interface gives way to one with as many services",
    path: core("stafd/mdns_services"),
    find: "most.length > own + 1",
    replace: "most.length > own",
  },
  {
    name: "twenty lines without effect are one too many",
    path: core("advice/idle_lines"),
    find: "if (more <= 0) return distinct;",
    replace: "if (more < 0) return distinct;",
  },
  {
    name: "a boot table's interface always overrides DHCP",
    path: "src/lib/nvme/nbft.ts",
    find: "dhcpOverride: (flags & 4) !== 0,",
    replace: "dhcpOverride: (flags & 5) !== 0,",
  },
  {
    name: "a page that is read again puts a removal off",
    path: core("planning/planner"),
    find: 'decision.act === "hold" && decision.withdrawn !== undefined && decision.until === undefined',
    replace: "false",
  },
  {
    name: "the page of an excluded discovery controller counts for ever",
    path: core("stafd/stafd_rules"),
    find: "if (!isLeftBehind(ctl) && speaks(draft, ctl)) forgotten(draft, ctl, { evidence });",
    replace: "",
  },
  {
    name: "what ip-family leaves alone is retired when it is lost",
    path: core("stafd/stafd_rules"),
    find: "!isLeftBehind(ctl) && speaks(draft, ctl)",
    replace: "speaks(draft, ctl)",
  },
  {
    name: "an excluded address of a name has its turn",
    path: core("sources/lines"),
    find: "return excludedBy(tid, excludes) === undefined && exclusionFor(view, tid) === undefined;",
    replace: "return exclusionFor(view, tid) === undefined;",
  },
  {
    name: "what a young page's withdrawal cuts off does not wait",
    path: core("stafd/stafd_questions"),
    find: "withdrawalNotYet(view, ctl) ?? cutOffNotYet(view, ctl)",
    replace: "withdrawalNotYet(view, ctl)",
  },
  {
    name: "a drain is decided by a look at an earlier connection",
    path: core("stacd/drain_turn"),
    find: "look?.ref.incarnation === deviceOf(ctl)?.incarnation && look?.guard.at",
    replace: "look?.guard.at",
  },
  {
    name: "what a renewal's connection had is demanded of its own controller only",
    path: core("stacd/renew_bar"),
    find: "(!besides.has(ctl.key) && securedKey(ctl.tid) === target)",
    replace: "false",
  },
  {
    name: "those that wait for a renewed connection's security are not looked at again",
    path: core("stacd/renew_bar"),
    find: "for (const one of ctlsAt(draft, demand.target)) touch(draft, one.key);",
    replace: "",
  },
  {
    name: "what no source wanted when a renewal took a connection is a path of its own",
    path: core("stacd/renew_bar"),
    find: 'draft.rules.verdict(draft, one).is === "wanted"',
    replace: "true",
  },
  {
    name: "any block device that the renewed connection serves counts for all",
    path: core("stacd/renew"),
    find: "look.device === need && isServedBy(look, device)",
    replace: "isServedBy(look, device)",
  },
  {
    name: "a wait for the next attempt ends when the record moves",
    path: core("fleet/move"),
    find: 'hasKernelWork(old) || next.link.phase === "idle" ? old : next',
    replace: "hasKernelWork(old) ? old : next",
  },
];

/** Undefined when the text is missing, or occurs more than once: the list has to be put right then. */
export function namedMutant({ name, path, find, replace }: NamedFault, text: string): Mutant | undefined {
  const start = text.indexOf(find);
  if (start < 0 || text.indexOf(find, start + 1) >= 0) return undefined;
  const line = text.slice(0, start).split("\n").length;
  return { path, line, operator: name, start, end: start + find.length, text: replace };
}
