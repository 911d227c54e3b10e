/**
 * Carries out effects on the ports, and turns their outcomes into events. Each effect is one line; no
 * decisions are made here.
 */
import type { Transport } from "../nvme/tid.ts";
import type { TlsHost } from "../nvme/tls_host.ts";
import type { DrainAnswer } from "../core/stacd/drain.ts";
import type { RenewAnswer } from "../core/stacd/renew.ts";
import type { ForgetAnswer } from "../core/stafd/forget.ts";
import type { Effect, Event, StacdEffect, StacdEvent, StafdEffect, StafdEvent } from "../core/effects.ts";
import type {
  Exclusions,
  HostIdentity,
  Kernel,
  Log,
  Mdns,
  Publisher,
  Resolver,
  Stafd,
  StateFile,
  Units,
} from "../ports.ts";

/** The ports that both daemons need. */
export interface CommonPorts {
  readonly kernel: Kernel;
  readonly resolver: Resolver;
  readonly stateFile: StateFile;
  readonly exclusions: Exclusions;
  readonly transports: () => ReadonlySet<Transport>;
  readonly tls: () => TlsHost;
  readonly publisher: Publisher;
  readonly log: Log;
  /** Everything is done: the process may end. */
  readonly exit: () => void;
}

export interface StafdPorts extends CommonPorts {
  readonly mdns: Mdns;
  readonly units: Units;
  readonly host: () => HostIdentity;
  /** To a person who waits for it. */
  readonly answer: (call: number, answer: ForgetAnswer) => void;
}

export interface StacdPorts extends CommonPorts {
  readonly stafd: Stafd;
  /** To a person who waits for it. */
  readonly answer: (call: number, answer: DrainAnswer) => void;
  readonly answerRenew: (call: number, answer: RenewAnswer) => void;
}

function performCommon(effect: Effect, ports: CommonPorts, post: (event: Event) => void): void {
  const { kernel } = ports;
  switch (effect.do) {
    case "scan":
      return kernel.scan((outcome) => post({ type: "scanned", op: effect.op, outcome }));
    case "reach":
      return kernel.reach(
        effect.tid,
        effect.probe,
        (outcome) => post({ type: "reached", op: effect.op, key: effect.key, outcome }),
      );
    case "connect":
      return kernel.connect(
        effect.request,
        () => post({ type: "kernel-free", op: effect.op }),
        (outcome) => post({ type: "connected", op: effect.op, key: effect.key, outcome }),
      );
    case "disconnect":
      return kernel.disconnect(
        effect.target,
        effect.devicesToClaim,
        (outcome) => post({ type: "disconnected", op: effect.op, key: effect.key, outcome }),
      );
    case "look-at-use":
      return kernel.lookAtUse(
        effect.target,
        (outcome) => post({ type: "use-seen", op: effect.op, key: effect.key, outcome }),
      );
    case "states":
      return kernel.states(effect.devices, (states) => post({ type: "states", op: effect.op, states }));
    case "resolve":
      return ports.resolver.resolve(
        effect.host,
        (outcome) => post({ type: "resolved", op: effect.op, host: effect.host, outcome }),
      );
    case "own":
      return kernel.own(effect.device, effect.owned);
    case "look-at-tls":
      return post({ type: "tls-host", tls: ports.tls() });
    case "exclusions":
      // A module may have been loaded meanwhile.
      post({ type: "transports", transports: ports.transports() });
      return ports.exclusions.read((exclusions) => post({ type: "exclusions", exclusions }));
    case "save":
      return ports.stateFile.save(effect.state, (outcome) => post({ type: "saved", op: effect.op, outcome }));
    case "signal":
      return ports.publisher.emit(effect.signal);
    case "log":
      return ports.log.write(effect.entry);
    case "exit":
      return ports.exit();
  }
}

export function performStafd(
  effect: StafdEffect,
  ports: StafdPorts,
  post: (event: StafdEvent) => void,
): void {
  const { kernel } = ports;
  switch (effect.do) {
    case "register":
      return kernel.register(
        effect.target,
        effect.tid,
        ports.host(),
        (outcome) => post({ type: "registered", op: effect.op, key: effect.key, outcome }),
      );
    case "supported-logs":
      return kernel.supportedLogs(
        effect.target,
        (outcome) => post({ type: "supported-logs", op: effect.op, key: effect.key, outcome }),
      );
    case "read-log":
      return kernel.discoveryLog(
        effect.target,
        effect.lsp,
        (outcome) => post({ type: "log-read", op: effect.op, key: effect.key, outcome }),
      );
    case "generation":
      return kernel.generation(
        effect.target,
        (outcome) => post({ type: "generation", op: effect.op, key: effect.key, outcome }),
      );
    case "browse":
      return ports.mdns.browse(effect.enabled);
    case "browse-again":
      return ports.mdns.again();
    case "restart-unit":
      return ports.units.restart(effect.template, effect.args);
    case "answer":
      return ports.answer(effect.call, effect.answer);
    default:
      return performCommon(effect, ports, post);
  }
}

export function performStacd(
  effect: StacdEffect,
  ports: StacdPorts,
  post: (event: StacdEvent) => void,
): void {
  if (effect.do === "fetch") {
    return ports.stafd.fetch(
      (outcome) => post({ type: "fetched", op: effect.op, outcome }),
      effect.page,
      (value) => post({ type: "fetched", op: effect.op, outcome: { ok: true, value } }),
    );
  }
  if (effect.do === "answer") return ports.answer(effect.call, effect.answer);
  if (effect.do === "answer-renew") return ports.answerRenew(effect.call, effect.answer);
  if (effect.do === "write-keys") {
    const { op, key, target, keys, dry } = effect;
    return ports.kernel.writeKeys(
      target,
      keys,
      dry,
      (outcome) => post({ type: "keys-written", op, key, outcome }),
    );
  }
  return performCommon(effect, ports, post);
}
