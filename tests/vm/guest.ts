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

export interface Extras {
  /**
   * What is written is kept in this file, made afresh, until the next boot by that name; without one it is gone when the
   * machine ends.
   */
  readonly disk?: string | undefined;
  /** A port of the guest's that this machine can reach ({@link Guest.forwarded}). */
  readonly forward?: number | undefined;
  /** Added to its command line. */
  readonly kernelArguments?: string | undefined;
}

export interface WentDown {
  readonly seconds: number;
  readonly console: string;
}

/** What a scenario expected and did not see. */
export class Unmet extends Error {
  override readonly name = "Unmet";
}

export class Guest {
  readonly #env: Record<string, string>;
  /** How it was booted, when it has a disk to boot from again. */
  readonly #bootArgs: readonly string[] | undefined;

  private constructor(machine: string, bootArgs?: readonly string[]) {
    this.#env = { VMBED_NAME: machine };
    this.#bootArgs = bootArgs;
  }

  /** Boots the image with `payload` mounted at /payload. Throws with the console's last lines when it does not come up. */
  static async boot(
    image: string,
    payload: string,
    machine: string,
    { disk, forward, kernelArguments }: Extras = {},
  ): Promise<Guest> {
    const args = ["-i", image, "-p", payload];
    if (forward !== undefined) args.push("-f", `${forward}`);
    if (kernelArguments !== undefined) args.push("-a", kernelArguments);
    if (disk !== undefined) {
      await capture(["rm", "-f", disk]);
      args.push("-d", disk);
    }
    const guest = new Guest(machine, disk === undefined ? undefined : args);
    await guest.#boot(args);
    return guest;
  }

  /** The machine of that name, which somebody booted before. */
  static running(machine: string): Guest {
    return new Guest(machine);
  }

  async #boot(args: readonly string[]): Promise<void> {
    if (!await passThrough([`${BED}/boot`, ...args], { env: this.#env })) {
      throw new Error("the virtual machine did not boot");
    }
  }

  /**
   * Goes down by `systemctl reboot` or `systemctl poweroff` and boots again from its disk. Gives back how long it took to
   * go down, and what was on the console. Throws {@link Unmet} with that when it is still up after the bound.
   */
  async bootAgain(by: "reboot" | "poweroff", bound: Bound): Promise<WentDown> {
    if (this.#bootArgs === undefined) throw new Error("this machine has no disk of its own");
    const begin = performance.now();
    await this.run(`systemctl ${by} --no-block`);
    const { code, stdout, stderr } = await collect([`${BED}/ended`, `${bound.seconds}`], { env: this.#env });
    if (code !== 0) throw new Unmet(`${by}: ${stderr}`);
    const seconds = (performance.now() - begin) / 1000;
    await this.#boot(this.#bootArgs);
    return { seconds, console: stdout };
  }

  /** The port of this machine's loopback that leads to the forwarded one. */
  async forwarded(): Promise<number> {
    return Number(await capture([`${BED}/forwarded`], { env: this.#env }));
  }

  /** What ssh is called with to reach it, for programs that call ssh themselves. */
  async sshOptions(): Promise<string> {
    return (await capture([`${BED}/ssh-options`], { env: this.#env })).trim();
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

  /** Copies a file or folder of this machine into a folder of the guest. */
  async push(file: string, folder: string): Promise<void> {
    await capture([`${BED}/push`, file, folder], { env: this.#env });
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
