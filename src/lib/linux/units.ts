/** Starting units of systemd (STAF-112, STAF-113), and finding systemctl. */
import type { Log, Units } from "../ports.ts";
import { errnoOf, isGone } from "./os_error.ts";

/** Restarts under way at one time (S6): more are pointless, each of them reads all log pages. */
const AT_ONCE = 8;

/** The path of systemctl according to the PATH of this process. */
export function findSystemctl(path: string = Deno.env.get("PATH") ?? ""): string | undefined {
  for (const folder of path.split(":")) {
    if (!folder.startsWith("/")) continue;
    const candidate = `${folder.replace(/\/+$/, "")}/systemctl`;
    try {
      const { isFile, mode } = Deno.statSync(candidate);
      if (isFile && ((mode ?? 0) & 0o111) !== 0) return candidate;
    } catch (error) {
      if (!isGone(errnoOf(error)) && errnoOf(error) === 0) throw error;
    }
  }
  return undefined;
}

/**
 * A text as part of the name of a unit. Unlike systemd-escape it leaves `-` alone: the unit decodes only
 * `\xNN` in its instance name.
 */
export function systemdEscape(text: string): string {
  return [...new TextEncoder().encode(text)].map((byte) => {
    const character = String.fromCharCode(byte);
    return /[A-Za-z0-9:_.-]/.test(character) ? character : `\\x${byte.toString(16).padStart(2, "0")}`;
  }).join("");
}

/** `nvmf-connect@--device\x3dnvme0\x09....service`. */
export const unitName = (template: string, args: readonly string[]): string =>
  `${template}@${systemdEscape(args.join("\t"))}.service`;

export class SystemdUnits implements Units {
  readonly #log: Log;
  readonly #systemctl: string | undefined;
  readonly #othersDo: boolean;
  #running = 0;

  /**
   * `find` gives the path of systemctl, undefined if it is not installed; `othersDo`: nvme-cli's own rule is
   * in force.
   */
  constructor(log: Log, find: () => string | undefined = findSystemctl, othersDo = false) {
    this.#log = log;
    this.#systemctl = find();
    this.#othersDo = othersDo;
  }

  restart(template: string, args: readonly string[]): void {
    const unit = unitName(template, args);
    if (this.#othersDo) {
      return this.#log.write({
        level: "debug",
        message: `${unit} is not restarted: nvme-cli's udev rule does that`,
      });
    }
    if (this.#systemctl === undefined || this.#running >= AT_ONCE) {
      const why = this.#systemctl === undefined ? "there is no systemctl" : "too many are being restarted";
      this.#log.write({ level: "debug", message: `${unit} is not restarted: ${why}` });
      return;
    }
    void this.#run(this.#systemctl, unit);
  }

  async #run(systemctl: string, unit: string): Promise<void> {
    this.#running++;
    try {
      const { code } = await new Deno.Command(systemctl, {
        args: ["--quiet", "--no-block", "restart", unit],
        stdin: "null",
        stdout: "null",
        stderr: "null",
      }).output();
      if (code !== 0) {
        this.#log.write({ level: "debug", message: `systemctl restart ${unit}: exit status ${code}` });
      }
    } catch (error) {
      if (errnoOf(error) === 0) throw error;
      this.#log.write({ level: "debug", message: `cannot run ${systemctl}: ${String(error)}` });
    } finally {
      this.#running--;
    }
  }
}
