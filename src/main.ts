/** The image's entry: which program am I? */
import process from "node:process";
import type { World } from "./ctl/world.ts";

const name = process.argv0.split("/").at(-1) ?? "";

/** Programs are loaded when they are the one: a control tool needs nothing of a daemon. */
async function program(): Promise<((args: readonly string[]) => Promise<number>) | undefined> {
  switch (name) {
    case "stafd":
      return (await import("./stafd.ts")).main;
    case "stacd":
      return (await import("./stacd.ts")).main;
    case "stafctl":
      return tool((await import("./ctl/stafctl.ts")).main);
    case "stacctl":
      return tool((await import("./ctl/stacctl.ts")).main);
    case "stasadm":
      return (await import("./ctl/stasadm.ts")).main;
    default:
      return undefined;
  }
}

type Main = (args: readonly string[]) => Promise<number>;

/** With what only the whole image can do: a plan of a daemon that does not run. */
const tool = (main: (args: readonly string[], world: World) => Promise<number>): Main => async (args) =>
  main(args, {
    ...(await import("./ctl/world.ts")).realWorld(),
    recordedNames: async (recording) => (await import("./record_names.ts")).namesOf(recording),
    planAlone: async (daemon, text) => (await import("./plan_alone.ts")).planAlone(daemon, text),
  });

const main = await program();
if (main === undefined) {
  console.error(
    `${name}: this program goes by the names stafd, stacd, stafctl, stacctl and stasadm; call it by one of them`,
  );
  Deno.exit(1);
}
Deno.exit(await main(Deno.args));
