/**
 * Network namespaces of a test's own, with a virtual cable between two of them. Needs iproute2, and root or a user namespace:
 * `deno task test` makes one for those who are not root.
 */
import assert from "node:assert/strict";
import { NETWORK_NEEDS } from "../../../scripts/system_packages.ts";
import { networkNamespaces, packages, skipAllWithout } from "../../lacking.ts";

skipAllWithout(packages(NETWORK_NEEDS), networkNamespaces);

async function ip(...args: string[]): Promise<void> {
  const { success, stderr } = await new Deno.Command("ip", { args, stdin: "null", stdout: "null" }).output();
  assert.ok(success, `ip ${args.join(" ")}: ${new TextDecoder().decode(stderr)}`);
}

export interface TestNetwork {
  /** The side under test; its end of the cable is `near0`. */
  readonly near: string;
  /** The other side; its end is `far0`. */
  readonly far: string;
  /** `ip -n <near> ...` */
  readonly ip: (...args: string[]) => Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** near0 has 10.77.0.1/24 and fd77::1/64, far0 has 10.77.0.2/24 and fd77::2/64, and link-local fe80::1 and fe80::2. */
export async function testNetwork(): Promise<TestNetwork> {
  const id = crypto.randomUUID().slice(0, 8);
  const [near, far] = [`stas-near-${id}`, `stas-far-${id}`];
  for (const name of [near, far]) await ip("netns", "add", name);
  await ip("-n", near, "link", "add", "near0", "type", "veth", "peer", "name", "far0", "netns", far);
  for (const [name, link, host] of [[near, "near0", 1], [far, "far0", 2]] as const) {
    // No link-local address but the one below.
    await ip("-n", name, "link", "set", link, "addrgenmode", "none");
    await ip("-n", name, "addr", "add", `10.77.0.${host}/24`, "dev", link);
    await ip("-n", name, "addr", "add", `fd77::${host}/64`, "dev", link, "nodad");
    await ip("-n", name, "addr", "add", `fe80::${host}/64`, "dev", link, "nodad");
    await ip("-n", name, "link", "set", link, "up");
    await ip("-n", name, "link", "set", "lo", "up");
  }
  return {
    near,
    far,
    ip: (...args) => ip("-n", near, ...args),
    [Symbol.asyncDispose]: async () => {
      for (const name of [near, far]) await ip("netns", "del", name);
    },
  };
}

/** A program of these tests, running in a namespace: it prints JSON lines. Ends at the end of its input. */
export class Inside {
  readonly #child: Deno.ChildProcess;
  readonly lines: unknown[] = [];
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  readonly #reader: Promise<void>;

  constructor(
    namespace: string,
    program: string,
    onLine: (line: unknown) => void,
    args: readonly string[] = [],
  ) {
    this.#child = new Deno.Command("ip", {
      args: [
        "netns",
        "exec",
        namespace,
        Deno.execPath(),
        "run",
        "-A",
        "--no-check",
        new URL(program, import.meta.url).pathname,
        ...args,
      ],
      stdin: "piped",
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    this.#writer = this.#child.stdin.getWriter();
    this.#reader = this.#read(onLine);
  }

  async send(command: unknown): Promise<void> {
    await this.#writer.write(new TextEncoder().encode(`${JSON.stringify(command)}\n`));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#writer.close();
    await this.#reader;
    const { code } = await this.#child.status;
    assert.equal(code, 0);
  }

  async #read(onLine: (line: unknown) => void): Promise<void> {
    let rest = "";
    for await (const chunk of this.#child.stdout.pipeThrough(new TextDecoderStream())) {
      const lines = (rest + chunk).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) {
        const value: unknown = JSON.parse(line);
        onLine(value);
      }
    }
  }
}
