/**
 * stacd's view of stafd over the bus. A report that cannot be fetched or is invalid is a failure (unknown, S2), never
 * an empty report. The original's stafd, which has no versioned interface, is supported too.
 */
import type { Outcome } from "../base/failure.ts";
import { entryFromText } from "../nvme/entry_text.ts";
import { type Tid, tidOfTexts, type Transport } from "../nvme/tid.ts";
import { seconds } from "../base/time.ts";
import type { Done, FetchedReport, ReportedDc, RetiredDc, Stafd, StafdNews, StafdReport } from "../ports.ts";
import { type Bus, type BusError, BusErrors, isTrusted, type Reply, type SignalMessage } from "./bus.ts";
import { STAF } from "./interfaces.ts";
import { JsonReader, type JsonResult } from "./json_reader.ts";
import type { BusKeeper } from "./reconnect.ts";
import { type AskStafd, CALL_TIMEOUT, STAF_V1, StafdPages, textOf } from "./stafd_pages.ts";
import { parsePages } from "./v1_pages.ts";

/** The pause before the bus is queried again for the user of stafd's connection, when it did not report one. */
export const ASK_AGAIN = seconds(1);
/** The limit of remembered retired controllers of an original stafd. */
const MAX_RETIRED = 1000;

const NOTHING_LISTED =
  "this stafd (nvme-stas 2.x of Python) lists no discovery controller, and cannot say whether it still looks for any";

/** The owner of stafd's name on one connection to the bus. */
interface Owner {
  readonly bus: Bus;
  readonly unique: string;
}

/**
 * Trusts only a stafd that runs as root (or as the user of this process, for tests and demonstrations): its reports
 * decide which connections stacd makes. Where the bus policy is installed, no other user can own its name.
 */
export class StafdClient implements Stafd {
  readonly #keeper: BusKeeper;
  readonly #wall: () => number;
  readonly #warn: (message: string) => void;
  readonly #legacy = new LegacyStafd();
  readonly #pages = new StafdPages();
  #sink: (event: StafdNews) => void = () => {};
  #owner: Owner | undefined;
  #present = false;

  /** Construct it before the keeper is started. `wall` gives milliseconds since 1970. */
  constructor(keeper: BusKeeper, wall: () => number, warn: (message: string) => void = () => {}) {
    this.#keeper = keeper;
    this.#wall = wall;
    this.#warn = warn;
    keeper.onBus(async (bus) => {
      const signals = await bus.addMatch(
        { sender: STAF.name, path: STAF.path, interface: STAF.name },
        (signal) => this.#signal(signal),
      );
      if (!signals.ok) return signals.error;
      const name = await bus.watchName(STAF.name, (unique) => this.#owned({ bus, unique }));
      return name.ok ? undefined : name.error;
    }, () => this.#owned(undefined));
  }

  watch(sink: (event: StafdNews) => void): void {
    this.#sink = sink;
    if (this.#present) sink({ type: "stafd", present: true });
  }

  fetch(done: Done<FetchedReport>, page?: Tid, ahead?: (page: FetchedReport) => void): void {
    void this.#fetch(page, ahead).then(done);
  }

  /** A new owner that directly follows another is another stafd: reports both the end and the start. */
  #owned(owner: Owner | undefined): void {
    this.#owner = owner;
    this.#tellPresent(false);
    if (owner !== undefined && owner.unique !== "") void this.#examine(owner);
  }

  async #examine(owner: Owner): Promise<void> {
    const uid = await owner.bus.uidOf(owner.unique);
    // The name has another owner by now, or the connection has ended.
    if (this.#owner !== owner || this.#keeper.bus !== owner.bus) return;
    if (isTrusted(uid)) this.#tellPresent(true);
    else if (uid !== undefined) this.#warn(strangerText(uid));
    else this.#keeper.after(ASK_AGAIN, () => void this.#examine(owner));
  }

  #tellPresent(present: boolean): void {
    if (present === this.#present) return;
    this.#present = present;
    this.#sink({ type: "stafd", present });
  }

  #signal(signal: SignalMessage): void {
    // A signal that arrives before its sender is known to be trusted is covered by the fetch that follows.
    if (!this.#present || signal.sender !== this.#owner?.unique) return;
    if (signal.member === "dc_removed") this.#legacy.dcRemoved(signal.sender);
    else if (signal.member !== "log_pages_changed") return;
    const page = signal.member === "log_pages_changed" ? pageOf(signal) : undefined;
    if (page !== undefined) this.#pages.changed(page);
    this.#sink({ type: "stafd-changed", ...(page === undefined ? {} : { page }) });
  }

  async #fetch(
    page: Tid | undefined,
    ahead: ((page: FetchedReport) => void) | undefined,
  ): Promise<Outcome<FetchedReport>> {
    const ask: AskStafd = (question) => this.#call(STAF_V1, question);
    const fetched = page === undefined
      ? await this.#pages.fetch(ask, ahead)
      : await this.#pages.fetchOnly(ask, page);
    if (fetched.is === "report") return { ok: true, value: fetched.report };
    if (fetched.is === "failed") return failed(fetched.reply.error);
    if (fetched.is === "garbled") return outcome(fetched);
    return await this.#fetchWhole();
  }

  /** Fetches the whole report, from a stafd that does not offer single pages. */
  async #fetchWhole(): Promise<Outcome<StafdReport>> {
    const reply = await this.#call(STAF_V1, { member: "pages" });
    if (reply.ok) return outcome(textOf(reply, parsePages));
    const { name } = reply.error;
    if (name !== BusErrors.unknownInterface && name !== BusErrors.unknownMethod) return failed(reply.error);
    const removals = this.#legacy.removals;
    const legacy = await this.#call(STAF.name, { member: "get_all_log_pages", signature: "b", args: [true] });
    if (!legacy.ok) return failed(legacy.error);
    const at = this.#wall();
    const parsed = textOf(legacy, (text) => parseLegacy(text, at));
    if (!parsed.ok) return outcome(parsed);
    const dcs = this.#legacy.firstSeen(legacy.sender, parsed.value);
    return {
      ok: true,
      value: {
        dcs,
        retired: this.#legacy.update(legacy.sender, removals, dcs, at),
        // The original does not report its unknowns; right after its start everything is unknown.
        unknowns: dcs.length === 0 ? [NOTHING_LISTED] : [],
      },
    };
  }

  /** A call that returns a text. */
  async #call(iface: string, question: Parameters<AskStafd>[0]): Promise<Reply> {
    const { bus } = this.#keeper;
    if (bus === undefined) return refused(BusErrors.disconnected, "not connected to the bus");
    const { name: destination, path } = STAF;
    const reply = await bus.call({
      ...question,
      destination,
      path,
      interface: iface,
      gives: "s",
      timeout: CALL_TIMEOUT,
    });
    if (!reply.ok) return reply;
    const owner = this.#owner;
    if (this.#present && owner?.bus === bus && owner.unique === reply.sender) return reply;
    const uid = await bus.uidOf(reply.sender);
    if (isTrusted(uid)) return reply;
    return refused(
      BusErrors.accessDenied,
      uid === undefined ? "the bus did not tell whose process answered" : strangerText(uid),
    );
  }
}

/** The discovery controller that `log_pages_changed` names. */
function pageOf({ body }: SignalMessage): Tid | undefined {
  const texts = body.filter((one) => typeof one === "string");
  return texts.length === body.length ? tidOfTexts(texts) : undefined;
}

const strangerText = (uid: number): string =>
  `the bus name ${STAF.name} belongs to a process of user ${uid}, not of root: it is not believed. Is the bus policy of ` +
  "nvme-stas installed?";

const refused = (name: string, message: string): Reply => ({ ok: false, error: { name, message } });

/**
 * An original stafd signals that it removed DCs, but not which. A DC that is missing from its next list after such a
 * signal counts as retired.
 */
class LegacyStafd {
  #owner = "";
  #previous = new Map<string, ReportedDc>();
  #retired = new Map<string, RetiredDc>();
  #seen = 0;
  #used = 0;

  /** The number of removal signals so far; read it before requesting the list. */
  get removals(): number {
    return this.#seen;
  }

  dcRemoved(sender: string): void {
    if (sender !== this.#owner) this.#forget(sender);
    this.#seen += 1;
  }

  /**
   * The original does not say when it read a page: a page that is the same as at the last fetch counts as not read
   * since.
   */
  firstSeen(sender: string, dcs: readonly ReportedDc[]): readonly ReportedDc[] {
    if (sender !== this.#owner) return dcs;
    return dcs.map((dc) => {
      const before = this.#previous.get(keyOf(dc));
      const isSame = before?.page === dc.page &&
        JSON.stringify(before.entries) === JSON.stringify(dc.entries);
      return isSame ? { ...dc, readAt: before.readAt } : dc;
    });
  }

  /** Takes in a list; returns the controllers that this stafd has dropped since it started. */
  update(
    sender: string,
    removalsBefore: number,
    dcs: readonly ReportedDc[],
    at: number,
  ): readonly RetiredDc[] {
    if (sender !== this.#owner) this.#forget(sender);
    const present = new Map(dcs.map((dc) => [keyOf(dc), dc]));
    if (this.#seen > this.#used) {
      for (const [key, { tid }] of this.#previous) {
        if (!present.has(key)) this.#retired.set(key, { tid, why: "stafd signalled dc_removed", at });
      }
    }
    // A signal that arrived during the fetch may concern a removal that the list does not show yet.
    this.#used = Math.max(this.#used, Math.min(removalsBefore, this.#seen));
    for (const key of present.keys()) this.#retired.delete(key);
    for (const key of this.#retired.keys()) {
      if (this.#retired.size <= MAX_RETIRED) break;
      this.#retired.delete(key);
    }
    this.#previous = present;
    return [...this.#retired.values()];
  }

  #forget(owner: string): void {
    this.#owner = owner;
    this.#previous = new Map();
    this.#retired = new Map();
    this.#used = this.#seen;
  }
}

const keyOf = (dc: ReportedDc): string => JSON.stringify(Object.values(dc.tid));

/** The JSON of get_all_log_pages(true), requirements 50. */
function parseLegacy(text: string, at: number): JsonResult<readonly ReportedDc[]> {
  return JsonReader.read("get_all_log_pages", text, (doc) =>
    doc.list((item): ReportedDc => {
      const dc = item.at("discovery-controller");
      const entries = item.at("log-pages").list((entry) => entryFromText(entry.texts()));
      const transport: Transport = dc.at("transport").word("tcp", "rdma", "fc", "loop");
      const operation = dc.maybe("get log page operation", (op) => op.text()) ?? "";
      const connected = dc.maybe("connected", (is) => is.text()) ?? "True";
      return {
        tid: {
          transport,
          traddr: dc.at("traddr").text(),
          trsvcid: dc.at("trsvcid").text(),
          subsysnqn: dc.at("subsysnqn").text(),
          hostTraddr: dc.at("host-traddr").text(),
          hostIface: dc.at("host-iface").text(),
          hostNqn: dc.at("host-nqn").text(),
        },
        device: dc.at("device").text(),
        page: entries.length === 0
          ? "none"
          : connected === "True" && succeeded(operation)
          ? "read"
          : "cached",
        genctr: "",
        readAt: at,
        toldAt: null,
        entries,
      };
    }));
}

/**
 * Did the original read the page in this connection? Its cache outlives a restart, and a failed operation is
 * complete, too: `{'fail count': 3, 'completed': True, 'alive': True, 'error': '...'}` accompanies an old page (K6).
 */
function succeeded(operation: string): boolean {
  return !operation.includes("'error'") &&
    ["'fail count': 0", "'completed': True", "'alive': True"].every((part) => operation.includes(part));
}

function outcome<T>(result: JsonResult<T> | { readonly ok?: false; readonly message: string }): Outcome<T> {
  if (result.ok === true) return result;
  const message = `stafd's answer cannot be understood: ${result.message}`;
  return { ok: false, failure: { phase: "bus", kind: "transient", message } };
}

function failed(error: BusError): Outcome<never> {
  const away = error.name === BusErrors.serviceUnknown || error.name === BusErrors.nameHasNoOwner;
  return {
    ok: false,
    failure: {
      phase: "bus",
      kind: "transient",
      message: away ? "stafd is not running" : `stafd did not answer: ${error.message}`,
      ...(away ? { remedy: "systemctl start stafd" } : {}),
    },
  };
}
