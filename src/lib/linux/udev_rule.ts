/**
 * Overrides nvme-cli's udev rule for automatic connections while stafd does its work (STAF-110, STAF-111).
 */
import { containerOf } from "../base/container.ts";
import { AUTOCONNECT_RULE, OVERRIDE_MARK, registrySettles } from "../nvme/nvme_cli.ts";
import type { Log } from "../ports.ts";
import { errnoOf } from "./os_error.ts";
import { makePublicFolder, writePublicFile } from "./public_folder.ts";
import { findSystemctl, systemdEscape } from "./units.ts";

const RULES = "/run/udev/rules.d";
const EEXIST = 17;
const ENOENT = 2;
/** The rule is run by the host's udev: what of systemd is in the container does not matter to it. */
const SYSTEMCTL_OF_HOST = "/usr/bin/systemctl";

/**
 * The file that shadows nvme-cli's. It keeps only the start of FC connections, which no other program does.
 */
export function overrideText(systemctl: string | undefined): string {
  const head = `${OVERRIDE_MARK} it does what nvme-cli's rules of this name do.\n`;
  if (systemctl === undefined) return head;
  // udev inserts the addresses; they contain nothing that needs an escape.
  const args = [
    "--device=none",
    "--transport=fc",
    "--traddr=$env{NVMEFC_TRADDR}",
    "--trsvcid=none",
    "--host-traddr=$env{NVMEFC_HOST_TRADDR}",
  ].join("\t").split(/(\$env\{\w+\})/).map((part) => part.startsWith("$env{") ? part : systemdEscape(part))
    .join("");
  return `${head}ACTION=="change", SUBSYSTEM=="fc", ENV{FC_EVENT}=="nvmediscovery", ` +
    'ENV{NVMEFC_HOST_TRADDR}=="?*", ENV{NVMEFC_TRADDR}=="?*", ' +
    `RUN+="${systemctl} --no-block restart nvmf-connect@${args}.service"\n`;
}

export class UdevRule {
  readonly #path: string;
  readonly #folder: string;
  readonly #log: Log;
  /** The registry of owners settles who follows an event: nvme-cli's rule stays in force. */
  readonly isSettled: boolean;

  constructor(log: Log, folder: string = RULES, read: (path: string) => string | undefined = textOf) {
    this.#log = log;
    this.#folder = folder;
    this.#path = `${folder}/${AUTOCONNECT_RULE}`;
    this.isSettled = registrySettles(read);
  }

  /**
   * Creates the file (`find` gives the path of systemctl) where nvme-cli's rule would act besides stafd. What a stafd left
   * that was killed, in a container perhaps, is removed before; a file of somebody else stays as it is.
   */
  install(find: () => string | undefined = systemctlOfUdev): Promise<void> {
    void this.remove();
    if (this.isSettled) return Promise.resolve();
    const text = overrideText(find());
    this.#attempt("write", () => {
      makePublicFolder(this.#folder);
      writePublicFile(this.#path, text, true);
    }, EEXIST);
    return Promise.resolve();
  }

  /** At exit, and before a start. A file or link of this name that an administrator made stays. */
  remove(): Promise<void> {
    this.#attempt("remove", () => {
      const isOurs = Deno.lstatSync(this.#path).isFile &&
        Deno.readTextFileSync(this.#path).startsWith(OVERRIDE_MARK);
      if (isOurs) Deno.removeSync(this.#path);
    }, ENOENT);
    return Promise.resolve();
  }

  #attempt(what: string, work: () => void, fine: number): void {
    try {
      work();
    } catch (error) {
      const errno = errnoOf(error);
      if (errno === fine) return;
      if (errno === 0) throw error;
      this.#log.write({
        level: "warning",
        message: `cannot ${what} ${this.#path}: ${
          String(error)
        }; nvme-cli may connect discovery controllers in addition to stafd`,
      });
    }
  }
}

function systemctlOfUdev(): string | undefined {
  const isContainer =
    containerOf((path) => textOf(path) !== undefined, (name) => Deno.env.get(name)) !== undefined;
  return findSystemctl() ?? (isContainer ? SYSTEMCTL_OF_HOST : undefined);
}

/** Undefined where the file does not exist or cannot be read. */
function textOf(path: string): string | undefined {
  try {
    return Deno.readTextFileSync(path);
  } catch (error) {
    if (errnoOf(error) === 0) throw error;
    return undefined;
  }
}
