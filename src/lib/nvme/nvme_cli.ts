/**
 * Facts about nvme-cli: the commands that our texts name (those that versions 2 and 3 share, and both forms where
 * they differ), and which program handles the events of discovery controllers.
 */

/** Version 3 knows it as an alias of `nvme keys gen-kxchap-secret`. */
export const MAKE_DHCHAP_KEY = "nvme gen-dhchap-key";

const INSERT = { 2: "nvme check-tls-key --insert", 3: "nvme keys insert-tls" } as const;

/** Version 3 has removed `--insert`. */
export const INSERT_TLS_KEY = `${INSERT[2]} (nvme-cli 2) or ${INSERT[3]} (nvme-cli 3)`;

/** The version that `nvme version` prints. */
export const nvmeCliVersion = (printed: string): string | undefined =>
  /^nvme version (\d[\w.]*)/m.exec(printed)?.[1];

/** A text with the commands of this version of nvme-cli. Versions before 2 are not covered. */
export function forNvmeCli(text: string, version: string | undefined): string {
  const major = Number.parseInt(version ?? "", 10);
  if (!(major >= 2)) return text;
  const named = text.replaceAll(INSERT_TLS_KEY, INSERT[major === 2 ? 2 : 3]);
  return major === 2 ? named : named.replaceAll(MAKE_DHCHAP_KEY, "nvme keys gen-kxchap-secret");
}

/** Its udev rule that connects what discovery controllers announce. */
export const AUTOCONNECT_RULE = "70-nvmf-autoconnect.rules";

/** This line marks the file that overrides the rule as stafd's, whatever version wrote it. */
export const OVERRIDE_MARK = "# Written by stafd, and removed when it stops:";

const LIBRARIES = ["/usr/lib", "/lib"];

/**
 * True where the registry of owners decides which program handles a discovery controller: nvme-cli 3 keeps the
 * registry tidy with a rule of its own, and its `connect-all` ignores a controller that another program has
 * registered. Since then its unit names the owner for which it connects. `read` gives the text of a file, undefined
 * where it does not exist.
 */
export function registrySettles(read: (path: string) => string | undefined): boolean {
  const tidies = LIBRARIES.some((lib) => read(`${lib}/udev/rules.d/70-nvmf-registry.rules`) !== undefined);
  const unit = ["/etc", ...LIBRARIES].map((dir) => read(`${dir}/systemd/system/nvmf-connect@.service`))
    .find((text) => text !== undefined);
  return tidies && unit !== undefined && /^ExecStart=.*connect-all.*--owner\b/m.test(unit);
}
