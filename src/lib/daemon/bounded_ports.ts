/**
 * Ports whose calls all end (L6), between the performer and the machine. A call that does not return in time
 * has a failure as its outcome; its late result is ignored.
 */
import type { Failure, Outcome } from "../base/failure.ts";
import type { KernelCtrl } from "../nvme/kernel_ctrl.ts";
import { tidText } from "../nvme/tid.ts";
import { after, type Duration, milliseconds } from "../base/time.ts";
import type { Clock, Done, Exclusions, Kernel, Log, Resolver, Stafd, StateFile, Storage } from "../ports.ts";
import { CALL_BOUNDS, type CallKind } from "./call_bounds.ts";
import type { Machine } from "./machine.ts";

/** A call that has not returned in its time. */
export interface HungCall {
  /** For display: "the disconnect of nvme3". */
  readonly what: string;
  /** Device, address or file; empty for calls that concern all of them. */
  readonly object: string;
  /** While the call lasts, no call of this kind is made for any other object, either. */
  readonly isGlobal: boolean;
  /** Milliseconds since 1970. */
  readonly since: number;
}

interface Call {
  readonly kind: CallKind;
  /** The object about which there is no second call. */
  readonly place: string;
  readonly object: string;
  /** Time added to the bound. */
  readonly more?: Duration;
}

export class BoundedCalls {
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #hung = new Map<string, HungCall>();

  constructor(clock: Clock, log: Log) {
    this.#clock = clock;
    this.#log = log;
  }

  get hung(): readonly HungCall[] {
    return [...this.#hung.values()];
  }

  /** `late` takes a result that comes too late; most of these are ignored. */
  run<T>(
    call: Call,
    begin: (done: (value: T) => void) => void,
    ended: (value: T) => void,
    timedOut: (failure: Failure) => void,
    late: (value: T) => void = () => undefined,
  ): void {
    const place = `${call.kind} ${call.place}`;
    const before = this.#hung.get(place);
    // An outcome never arrives during the call itself.
    if (before !== undefined) return this.#soon(() => timedOut(failureOf(call.kind, before)));
    const now = this.#clock.now();
    const { what, bound } = CALL_BOUNDS[call.kind];
    const allowed = milliseconds(bound.ms + (call.more?.ms ?? 0));
    let isOver = false;
    const cancel = this.#clock.wakeAt(after(now, allowed), () => {
      isOver = true;
      const of = call.object === "" ? "" : ` of ${call.object}`;
      const hung = {
        what: `${what}${of}`,
        object: call.object,
        isGlobal: call.place === "",
        since: now.wall,
      };
      this.#hung.set(place, hung);
      this.#log.write({
        level: "error",
        message: `${hung.what} has not returned for ${
          allowed.ms / 1000
        } s; it is not tried again until it does`,
      });
      timedOut(failureOf(call.kind, hung));
    });
    begin((value) => {
      if (!isOver) {
        cancel();
        return ended(value);
      }
      this.#hung.delete(place);
      this.#log.write({ level: "notice", message: `${what} has returned after all` });
      late(value);
    });
  }

  /** A call whose outcome may be a failure. */
  outcome<T>(call: Call, begin: (done: Done<T>) => void, done: Done<T>): void {
    this.run<Outcome<T>>(call, begin, done, (failure) => done({ ok: false, failure }));
  }

  #soon(run: () => void): void {
    this.#clock.wakeAt(this.#clock.now(), run);
  }
}

const failureOf = (kind: CallKind, { what }: HungCall): Failure => ({
  phase: CALL_BOUNDS[kind].phase,
  kind: "transient",
  errno: "ETIMEDOUT",
  message: `${what} has not returned`,
  remedy: "look for a blocked task in the kernel's log (journalctl -k)",
});

function boundedKernel(kernel: Kernel, calls: BoundedCalls): Kernel {
  return {
    watch: (sink) => kernel.watch(sink),
    own: (device, owned) => kernel.own(device, owned),
    scan: (done) => calls.outcome({ kind: "scan", place: "", object: "" }, (end) => kernel.scan(end), done),
    states: (devices, done) =>
      calls.run(
        { kind: "states", place: "", object: "" },
        (end) => kernel.states(devices, end),
        done,
        () => done(new Map()),
      ),
    reach: (tid, probe, done) =>
      calls.outcome(
        { kind: "reach", place: tidText(tid), object: tidText(tid), more: { ms: 2 * probe.timeout.ms } },
        (end) => kernel.reach(tid, probe, end),
        done,
      ),
    connect: (request, free, done) => {
      let isOver = false;
      calls.outcome<KernelCtrl>(
        // The kernel makes one connection at a time: while one is stuck, no other is requested.
        { kind: "connect", place: "", object: tidText(request.tid) },
        (end) => kernel.connect(request, () => isOver ? undefined : free(), end),
        (outcome) => {
          isOver = true;
          done(outcome);
        },
      );
    },
    lookAtUse: (target, done) =>
      calls.outcome(
        { kind: "use", place: target.device, object: target.device },
        (end) => kernel.lookAtUse(target, end),
        done,
      ),
    disconnect: (target, claims, done) =>
      calls.outcome(
        { kind: "disconnect", place: target.device, object: target.device },
        (end) => kernel.disconnect(target, claims, end),
        done,
      ),
    writeKeys: (target, keys, dry, done) =>
      calls.outcome(
        { kind: "keys", place: target.device, object: target.device },
        (end) => kernel.writeKeys(target, keys, dry, end),
        done,
      ),
    register: (target, tid, host, done) =>
      calls.outcome(
        { kind: "register", place: target.device, object: target.device },
        (end) => kernel.register(target, tid, host, end),
        done,
      ),
    supportedLogs: (target, done) =>
      calls.outcome(
        { kind: "supportedLogs", place: target.device, object: target.device },
        (end) => kernel.supportedLogs(target, end),
        done,
      ),
    discoveryLog: (target, lsp, done) =>
      calls.outcome(
        { kind: "discoveryLog", place: target.device, object: target.device },
        (end) => kernel.discoveryLog(target, lsp, end),
        done,
      ),
    generation: (target, done) =>
      calls.outcome(
        { kind: "generation", place: target.device, object: target.device },
        (end) => kernel.generation(target, end),
        done,
      ),
  };
}

const boundedResolver = (resolver: Resolver, calls: BoundedCalls): Resolver => ({
  resolve: (host, done) =>
    calls.outcome(
      { kind: "resolve", place: host, object: host },
      (end) => resolver.resolve(host, end),
      done,
    ),
});

const boundedFile = (file: StateFile, calls: BoundedCalls): StateFile => ({
  load: () => file.load(),
  proven: () => file.proven(),
  save: (state, done) =>
    calls.outcome({ kind: "save", place: "", object: "" }, (end) => file.save(state, end), done),
});

/**
 * Nothing is connected before the exclusions are known (S7): a late result counts, and a failure does not
 * replace it.
 */
const boundedExclusions = (exclusions: Exclusions, calls: BoundedCalls): Exclusions => ({
  read: (done) =>
    calls.run(
      { kind: "exclusions", place: "", object: "" },
      (end) => exclusions.read(end),
      done,
      () => undefined,
      done,
    ),
});

const boundedStorage = (storage: Storage, calls: BoundedCalls): Storage => ({
  look: (done) => calls.outcome({ kind: "storage", place: "", object: "" }, (end) => storage.look(end), done),
});

/** The machine, with ports whose calls all end. */
export function bounded<M extends Machine>(machine: M, calls: BoundedCalls): M {
  return {
    ...machine,
    kernel: boundedKernel(machine.kernel, calls),
    resolver: boundedResolver(machine.resolver, calls),
    stateFile: boundedFile(machine.stateFile, calls),
    exclusions: boundedExclusions(machine.exclusions, calls),
    storage: boundedStorage(machine.storage, calls),
  };
}

export const boundedStafd = (stafd: Stafd, calls: BoundedCalls): Stafd => ({
  watch: (sink) => stafd.watch(sink),
  // A page that comes ahead of a report that was given up is ignored like the report itself.
  fetch: (done, page, ahead) =>
    calls.outcome({ kind: "fetch", place: "", object: "" }, (end) => stafd.fetch(end, page, ahead), done),
});
