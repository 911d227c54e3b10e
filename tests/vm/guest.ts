/** The virtual machine as the scenarios see it. */
import { capture, collect, passThrough } from "../../scripts/run.ts";

const BED = "tests/vm/bed";
const decoder = new TextDecoder();

/** `run` of the bed ends so when the bed itself failed, or the connection to the guest was lost. */
const BED_FAILED = [125, 255];

export interface Answer {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Bound {
  /** How long to wait; an emulated machine is about 20 times slower than the host. */
  readonly seconds: number;
}

/** What a scenario expected and did not see. */
export class Unmet extends Error {
  override readonly name = "Unmet";
}

export class Guest {
  readonly #env: Record<string, string>;

  private constructor(env: Record<string, string>) {
    this.#env = env;
  }

  /** Boots the image with `payload` mounted at /payload. Throws with the console's last lines when it does not come up. */
  static async boot(image: string, payload: string, machine: string): Promise<Guest> {
    const guest = new Guest({ VMBED_NAME: machine });
    if (!await passThrough([`${BED}/boot`, "-i", image, "-p", payload], { env: guest.#env })) {
      throw new Error("the virtual machine did not boot");
    }
    return guest;
  }

  /** The machine of that name, which somebody booted before. */
  static running(machine: string): Guest {
    return new Guest({ VMBED_NAME: machine });
  }

  async stop(): Promise<void> {
    await capture([`${BED}/stop`], { env: this.#env });
  }

  /** Runs a command by the guest's shell, whatever its exit status. */
  async attempt(command: string): Promise<Answer> {
    const ended = await collect([`${BED}/run`, command], { env: this.#env, timeoutMs: 300_000 });
    if (BED_FAILED.includes(ended.code)) throw new Error(`the test bed failed: ${command}\n${ended.stderr}`);
    return ended;
  }

  /** Runs a command that must succeed; gives back its standard output. */
  async run(command: string): Promise<string> {
    const { code, stdout, stderr } = await this.attempt(command);
    if (code !== 0) throw new Unmet(`${command}: exit status ${code}\n${stderr}${stdout}`);
    return stdout;
  }

  /**
   * Runs a command again and again until `accept` says yes to its output, and gives that back.
   * Throws {@link Unmet} with the last output when the time is over.
   */
  async until(
    what: string,
    command: string,
    accept: (stdout: string) => boolean,
    bound: Bound,
  ): Promise<string> {
    const deadline = performance.now() + bound.seconds * 1000;
    while (true) {
      const answer = await this.attempt(command);
      if (answer.code === 0 && accept(answer.stdout)) return answer.stdout;
      if (performance.now() > deadline) {
        throw new Unmet(
          `not within ${bound.seconds} s: ${what}\n$ ${command}\nexit status ${answer.code}\n` +
            `${answer.stdout}${answer.stderr}`,
        );
      }
    }
  }

  /** Watches for a while that `accept` never says no; throws {@link Unmet} at the first no. */
  async always(
    what: string,
    command: string,
    accept: (stdout: string) => boolean,
    bound: Bound,
  ): Promise<void> {
    const deadline = performance.now() + bound.seconds * 1000;
    let looks = 0;
    while (performance.now() < deadline || looks < 2) {
      const answer = await this.attempt(command);
      looks += 1;
      if (answer.code !== 0 || !accept(answer.stdout)) {
        throw new Unmet(
          `not always: ${what}\n$ ${command}\nexit status ${answer.code}\n${answer.stdout}${answer.stderr}`,
        );
      }
    }
  }

  /** A text file of the guest, written whole. */
  async writeFile(path: string, text: string): Promise<void> {
    const child = new Deno.Command(`${BED}/run`, {
      args: [`cat >'${path}'`],
      env: this.#env,
      stdin: "piped",
      stdout: "null",
      stderr: "piped",
    }).spawn();
    const writer = child.stdin.getWriter();
    await writer.write(new TextEncoder().encode(text));
    await writer.close();
    const { success, stderr } = await child.output();
    if (!success) throw new Error(`cannot write ${path} in the guest: ${decoder.decode(stderr)}`);
  }
}
