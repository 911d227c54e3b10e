/** `completion names`: all present values of `<what>`, one a line, for the completion scripts. */
import { distinct } from "../lib/dbus/v1_distinct.ts";
import type { V1State } from "../lib/dbus/v1_types.ts";
import { WELL_KNOWN_DISC_NQN } from "../lib/nvme/tid.ts";
import { FAILED, OK } from "./command_line.ts";
import { addressOf } from "./controllers_view.ts";
import { connectedTo, type Job } from "./session.ts";
import { harmless } from "./text_width.ts";

/** Without error messages: a shell would show them in the middle of a line. */
export async function names(job: Job): Promise<number> {
  const connected = await connectedTo(job);
  if (!connected.ok) return FAILED;
  const { bus, client } = connected.session;
  try {
    const state = await client.state();
    if (!state.ok) return FAILED;
    job.world.out.write(namesIn(state.value).map((name) => `${name}\n`).join(""));
    return OK;
  } finally {
    bus.close();
  }
}

function namesIn({ controllers }: Pick<V1State, "controllers">): readonly string[] {
  const all = distinct(controllers).flatMap((one) => [
    one.tid.subsysnqn,
    one.tid.traddr,
    addressOf(one),
    one.device,
    ...one.namespaces,
    ...one.hosts ?? [],
  ]);
  // Names that a shell would split are not offered.
  const fits = (name: string): boolean =>
    name !== "" && name !== WELL_KNOWN_DISC_NQN && !/\s/.test(name) && harmless(name) === name;
  return [...new Set(all)].filter(fits).toSorted();
}
