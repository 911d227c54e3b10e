/**
 * The queue of incoming calls. Users take turns, and so do the connections of one user: any local user may call
 * without limit, over any number of connections and with any amount of text; this must neither flood the kernel with
 * queries, nor delay the daemon's own work, nor delay another user's answer.
 */

export interface Turn {
  /** Unique name of the caller. */
  readonly sender: string;
  /** The memory that it occupies. */
  readonly bytes: number;
}

export interface QueueLimits {
  /** The limit of calls in progress at one time, of all users and of one. */
  readonly atOnce: number;
  readonly atOnceOfUser: number;
  /** The limit of calls begun in one turn of the event loop; an answer of `bytesOfCall` counts as one more call. */
  readonly aTurn: number;
  readonly bytesOfCall: number;
  /** The limits of waiting calls and of their bytes, of one user and of all. */
  readonly waitingOfUser: number;
  readonly bytesOfUser: number;
  readonly waiting: number;
  readonly bytes: number;
}

/**
 * A tool makes a few calls and waits. A thousand calls of one user are many; 4 MiB hold the longest configuration
 * file that can be tried, with room to spare.
 */
export const CALL_LIMITS: QueueLimits = {
  atOnce: 8,
  atOnceOfUser: 6,
  aTurn: 32,
  // A list of thousands of controllers takes as long as a hundred short answers.
  bytesOfCall: 8 * 1024,
  waitingOfUser: 1024,
  bytesOfUser: 4 * 1024 * 1024,
  waiting: 2048,
  bytes: 8 * 1024 * 1024,
};

/** Runs something in the next turn of the event loop; the result cancels it. */
export type NextTurn = (run: () => void) => () => void;

/** Calls of a connection whose user is not known yet: they wait, but take no turn. */
interface Connection<T> {
  readonly calls: T[];
}

interface User<T> {
  readonly key: string;
  readonly known: boolean;
  /** By connection; the first one is next. */
  readonly connections: Map<string, Connection<T>>;
  count: number;
  bytes: number;
  inWork: number;
}

export class CallQueue<T extends Turn> {
  readonly #limits: QueueLimits;
  readonly #work: (call: T, user: string) => Promise<number> | number;
  readonly #refuse: (call: T) => void;
  /** The first one is next. Users with nothing waiting and nothing in work are not in it. */
  readonly #users = new Map<string, User<T>>();
  readonly #nextTurn: NextTurn;
  #count = 0;
  #bytes = 0;
  #inWork = 0;
  #begun = 0;
  /** Set while the queue waits for the end of a turn; cancels that wait. */
  #cancelTurn: (() => void) | undefined;

  /**
   * `work` answers a call and gives back the length of the answer, or a promise of it that settles once the call is
   * answered. `refuse` receives each call that finds no room.
   */
  constructor(
    limits: QueueLimits,
    work: (call: T, user: string) => Promise<number> | number,
    refuse: (call: T) => void,
    nextTurn: NextTurn,
  ) {
    this.#limits = limits;
    this.#work = work;
    this.#refuse = refuse;
    this.#nextTurn = nextTurn;
  }

  /** `user` is undefined until the user of the connection is known: see {@link identified}. */
  offer(call: T, user: string | undefined): void {
    const { waitingOfUser, bytesOfUser, waiting, bytes } = this.#limits;
    const to = this.#user(user ?? call.sender, user !== undefined);
    if (to.count >= waitingOfUser || to.bytes + call.bytes > bytesOfUser) {
      this.#forget(to);
      this.#refuse(call);
      return;
    }
    this.#add(to, call);
    // Make room at the cost of the user with the largest share.
    while (this.#count > waiting || this.#bytes > bytes) this.#refuse(this.#last(this.#largest()));
    this.#run();
  }

  /** The user of the connection is known now. */
  identified(sender: string, user: string): void {
    const unknown = this.#users.get(sender);
    if (unknown === undefined || unknown.known) return;
    const calls = [...unknown.connections.values()].flatMap((connection) => connection.calls);
    this.#drop(unknown);
    for (const call of calls) this.offer(call, user);
  }

  /** The connection is gone: drops its calls, since no answer can reach it. */
  gone(sender: string): void {
    const unknown = this.#users.get(sender);
    if (unknown !== undefined && !unknown.known) this.#drop(unknown);
  }

  /** Drops all waiting calls and stops waiting for the end of a turn: earlier calls cause no later work. */
  clear(): void {
    for (const user of [...this.#users.values()]) this.#drop(user);
    this.#cancelTurn?.();
    this.#cancelTurn = undefined;
    this.#begun = 0;
  }

  #user(key: string, known: boolean): User<T> {
    const found = this.#users.get(key);
    if (found !== undefined) return found;
    const user: User<T> = { key, known, connections: new Map(), count: 0, bytes: 0, inWork: 0 };
    this.#users.set(key, user);
    return user;
  }

  #add(user: User<T>, call: T): void {
    const connection = user.connections.get(call.sender);
    if (connection === undefined) user.connections.set(call.sender, { calls: [call] });
    else connection.calls.push(call);
    this.#weigh(user, 1, call.bytes);
  }

  #weigh(user: User<T>, count: number, bytes: number): void {
    user.count += count;
    user.bytes += bytes;
    this.#count += count;
    this.#bytes += bytes;
  }

  #drop(user: User<T>): void {
    this.#weigh(user, -user.count, -user.bytes);
    user.connections.clear();
    this.#forget(user);
  }

  #forget(user: User<T>): void {
    if (user.count === 0 && user.inWork === 0) this.#users.delete(user.key);
  }

  #largest(): User<T> {
    let largest: User<T> | undefined;
    const { waiting, bytes } = this.#limits;
    const share = (user: User<T>): number => Math.max(user.count / waiting, user.bytes / bytes);
    for (const user of this.#users.values()) {
      if (largest === undefined || share(user) > share(largest)) largest = user;
    }
    if (largest === undefined) throw new Error("calls wait, but nobody's");
    return largest;
  }

  /** The newest call of the connection with the most waiting calls. */
  #last(user: User<T>): T {
    let most: readonly [string, Connection<T>] | undefined;
    for (const entry of user.connections) {
      if (most === undefined || entry[1].calls.length > most[1].calls.length) most = entry;
    }
    const call = most?.[1].calls.pop();
    if (most === undefined || call === undefined) throw new Error("a user with waiting calls has none");
    if (most[1].calls.length === 0) user.connections.delete(most[0]);
    this.#weigh(user, -1, -call.bytes);
    this.#forget(user);
    return call;
  }

  #run(): void {
    const { atOnce, aTurn } = this.#limits;
    while (this.#inWork < atOnce && this.#begun < aTurn) {
      const user = this.#nextUser();
      if (user === undefined) return;
      this.#begin(user);
    }
  }

  #begin(user: User<T>): void {
    this.#countTurn();
    const call = this.#first(user);
    user.inWork += 1;
    this.#inWork += 1;
    const done = this.#work(call, user.key);
    if (typeof done === "number") this.#ended(user, done);
    else {
      void done.then((bytes) => {
        this.#ended(user, bytes);
        this.#run();
      });
    }
  }

  /** Counts calls, or what counts as calls; more than a turn may have are a debt to the turns after it. */
  #countTurn(calls = 1): void {
    this.#begun += calls;
    if (this.#begun === 0 || this.#cancelTurn !== undefined) return;
    this.#cancelTurn = this.#nextTurn(() => {
      this.#cancelTurn = undefined;
      this.#begun = Math.max(0, this.#begun - this.#limits.aTurn);
      this.#run();
      this.#countTurn(0);
    });
  }

  #ended(user: User<T>, bytes: number): void {
    this.#countTurn(Math.floor(bytes / this.#limits.bytesOfCall));
    user.inWork -= 1;
    this.#inWork -= 1;
    this.#forget(user);
  }

  /** The next user whose call may begin; moves that user to the end of the queue. */
  #nextUser(): User<T> | undefined {
    for (const user of this.#users.values()) {
      if (!user.known || user.count === 0 || user.inWork >= this.#limits.atOnceOfUser) continue;
      this.#users.delete(user.key);
      this.#users.set(user.key, user);
      return user;
    }
    return undefined;
  }

  #first(user: User<T>): T {
    const [first] = user.connections;
    const call = first?.[1].calls.shift();
    if (first === undefined || call === undefined) throw new Error("a user with waiting calls has none");
    const [sender, connection] = first;
    user.connections.delete(sender);
    if (connection.calls.length > 0) user.connections.set(sender, connection);
    this.#weigh(user, -1, -call.bytes);
    return call;
  }
}
