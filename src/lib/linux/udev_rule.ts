/** nvme-cli's udev rule for automatic connections, put out of force while stafd does its work (STAF-110, STAF-111). */
import type { Log } from "../ports.ts";
import { errnoOf } from "./os_error.ts";
import { makePublicFolder, writePublicFile } from "./public_folder.ts";
import { findSystemctl, systemdEscape } from "./units.ts";

const RULES = "/run/udev/rules.d";
const NAME = "70-nvmf-autoconnect.rules";
const EEXIST = 17;
const ENOENT = 2;
/** By this line a file is known as ours, whatever version of stafd wrote it. */
const OURS = "# Written by stafd, and removed when it stops:";

/** The file that shadows nvme-cli's. Only FC's kick-start is kept, which nobody else does. */
export function overrideText(systemctl: string | undefined): string {
  const head = `${OURS} it does what nvme-cli's rules of this name do.\n`;
  if (systemctl === undefined) return head;
  // udev puts the addresses in; they hold nothing that needs an escape.
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

  constructor(log: Log, folder: string = RULES) {
    this.#log = log;
    this.#folder = folder;
    this.#path = `${folder}/${NAME}`;
  }

  /** Creates the file (`find` gives the path of systemctl), if there is none; one left by a crash, or made by somebody else, stays as it is. */
  install(find: () => string | undefined = findSystemctl): Promise<void> {
    const text = overrideText(find());
    this.#attempt("write", () => {
      makePublicFolder(this.#folder);
      writePublicFile(this.#path, text, true);
    }, EEXIST);
    return Promise.resolve();
  }

  /** At exit. A file or link of this name that an administrator made stays. */
  remove(): Promise<void> {
    this.#attempt("remove", () => {
      const isOurs = Deno.lstatSync(this.#path).isFile &&
        Deno.readTextFileSync(this.#path).startsWith(OURS);
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
        }; nvme-cli may connect discovery controllers besides stafd`,
      });
    }
  }
}
