/** A control tool as a process of its own: `run_tool.ts stafctl ls`. */
const [name, ...args] = Deno.args;
if (name !== "stafctl" && name !== "stacctl") throw new Error("which tool?");
const { main } = name === "stafctl"
  ? await import("../../../src/ctl/stafctl.ts")
  : await import("../../../src/ctl/stacctl.ts");
Deno.exit(await main(args));
