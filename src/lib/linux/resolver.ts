/** Resolves host names with the system's resolver, including `/etc/hosts` (STAF-14). */
import { lookup } from "node:dns";
import type { Failure, Outcome } from "../base/failure.ts";
import type { Done, Resolver } from "../ports.ts";
import { Limiter } from "./limiter.ts";
import { THREADS } from "./thread_shares.ts";

/** A lookup may occupy its thread for as long as name servers are silent. */
const MAX_WAITING = 1024;

export class SystemResolver implements Resolver {
  readonly #limiter = new Limiter(THREADS.names, MAX_WAITING);

  resolve(host: string, done: Done<readonly string[]>): void {
    void this.#limiter.run(() => resolve(host)).then((outcome) =>
      done(outcome ?? fail(host, "too many names are waiting"))
    );
  }
}

/** Never a permanent failure: the meaning of a name may change at any time. */
function resolve(host: string): Promise<Outcome<readonly string[]>> {
  return new Promise((settle) => {
    lookup(host, { all: true, verbatim: true }, (error, addresses) => {
      if (error !== null) settle(fail(host, words(error.code), error.code));
      else if (addresses.length === 0) settle(fail(host, "it has no address"));
      else settle({ ok: true, value: [...new Set(addresses.map(({ address }) => address))] });
    });
  });
}

function words(code: string | undefined): string {
  switch (code) {
    case "ENOTFOUND":
      return "no such name";
    case "EAI_AGAIN":
      return "the name servers do not answer";
    default:
      return code ?? "unknown reason";
  }
}

function fail(host: string, why: string, errno?: string): { readonly ok: false; readonly failure: Failure } {
  return {
    ok: false,
    failure: {
      phase: "resolve",
      kind: "transient",
      ...(errno === undefined ? {} : { errno }),
      message: `cannot resolve ${JSON.stringify(host)}: ${why}`,
    },
  };
}
