/** The system bus between the two daemons, which may go away, lose calls and be slow. */
import type { Outcome } from "../nvme/failure.ts";
import { milliseconds, seconds } from "../nvme/time.ts";
import type { Done, Publisher, Signal, Stafd, StafdEvent, StafdReport } from "../ports.ts";
import type { Random } from "./random.ts";
import type { Scheduler } from "./scheduler.ts";

/** Whoever answers as stafd. */
export interface ReportSource {
  report(): StafdReport;
}

export class SimBus {
  #up = true;
  #owner: ReportSource | undefined;
  readonly #listeners = new Set<StafdPort>();
  /** Probability that a call is never answered (it times out), or that the answer is an error. */
  callsLost = 0;
  callsFail = 0;
  /** Is told of every signal that a daemon sends. */
  witness: (who: string, signal: Signal) => void = () => undefined;
  /** Called when the bus goes away or comes back. */
  changed: (up: boolean) => void = () => undefined;
  readonly time: Scheduler;
  readonly random: Random;

  constructor(time: Scheduler, random: Random) {
    this.time = time;
    this.random = random;
  }

  get up(): boolean {
    return this.#up;
  }

  get owner(): ReportSource | undefined {
    return this.#up ? this.#owner : undefined;
  }

  /** stafd takes its name. */
  own(source: ReportSource): void {
    this.#owner = source;
    if (this.#up) this.#tell({ type: "stafd", present: true });
  }

  disown(source: ReportSource): void {
    if (this.#owner !== source) return;
    this.#owner = undefined;
    if (this.#up) this.#tell({ type: "stafd", present: false });
  }

  goAway(): void {
    if (!this.#up) return;
    this.#up = false;
    this.#tell({ type: "stafd", present: false });
    this.changed(false);
  }

  comeBack(): void {
    if (this.#up) return;
    this.#up = true;
    if (this.#owner !== undefined) this.#tell({ type: "stafd", present: true });
    this.changed(true);
  }

  join(port: StafdPort): void {
    this.#listeners.add(port);
  }

  leave(port: StafdPort): void {
    this.#listeners.delete(port);
  }

  signal(who: string, signal: Signal): void {
    this.witness(who, signal);
    if (who === "stafd" && this.#up && signal.type !== "event") this.#tell({ type: "stafd-changed" });
  }

  #tell(event: StafdEvent): void {
    for (const port of this.#listeners) port.tell(event);
  }
}

export class PublisherPort implements Publisher {
  readonly #bus: SimBus;
  readonly #who: string;

  constructor(bus: SimBus, who: string) {
    this.#bus = bus;
    this.#who = who;
  }

  emit(signal: Signal): void {
    this.#bus.signal(this.#who, signal);
  }
}

const failed = (message: string): Outcome<StafdReport> => ({
  ok: false,
  failure: { phase: "bus", kind: "transient", message },
});

export class StafdPort implements Stafd {
  readonly #bus: SimBus;
  #sink: ((event: StafdEvent) => void) | undefined;
  #closed = false;
  #lastAt = 0;
  /** Is told of every report that arrives. */
  witness: (report: StafdReport) => void = () => undefined;

  constructor(bus: SimBus) {
    this.#bus = bus;
    bus.join(this);
  }

  close(): void {
    this.#closed = true;
    this.#bus.leave(this);
  }

  watch(sink: (event: StafdEvent) => void): void {
    this.#sink = sink;
    if (this.#bus.owner !== undefined) this.tell({ type: "stafd", present: true });
  }

  /** In the order in which it was sent, as the bus does it. */
  tell(event: StafdEvent): void {
    const { time, random } = this.#bus;
    this.#lastAt = Math.max(this.#lastAt, time.now.mono + random.between(0, 3));
    time.in(milliseconds(this.#lastAt - time.now.mono), () => {
      if (!this.#closed) this.#sink?.(event);
    });
  }

  fetch(done: Done<StafdReport>): void {
    const { time, random } = this.#bus;
    const answer = (outcome: Outcome<StafdReport>): void => {
      if (this.#closed) return;
      if (outcome.ok) this.witness(outcome.value);
      done(outcome);
    };
    if (random.chance(this.#bus.callsLost)) {
      time.in(seconds(25), () => answer(failed("stafd did not answer: time-out")));
      return;
    }
    time.in(milliseconds(random.between(0, 3)), () => {
      const { owner } = this.#bus;
      const failing = owner === undefined || random.chance(this.#bus.callsFail);
      const outcome: Outcome<StafdReport> = failing
        ? failed("stafd is not running")
        : { ok: true, value: owner.report() };
      const sentAt = Math.max(this.#lastAt, time.now.mono + random.between(0, 15));
      time.in(milliseconds(sentAt - time.now.mono), () => {
        const still = failing || this.#bus.owner === owner;
        answer(still ? outcome : failed("stafd went away"));
      });
    });
  }
}
