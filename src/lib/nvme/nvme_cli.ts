/** Commands of nvme-cli that texts name: what versions 2 and 3 both have, and where they differ, both. */

/** Version 3 knows it as an alias of `nvme keys gen-kxchap-secret`. */
export const MAKE_DHCHAP_KEY = "nvme gen-dhchap-key";

/** Version 3 has taken `--insert` away. */
export const INSERT_TLS_KEY = "nvme check-tls-key --insert (nvme-cli 2) or nvme keys insert-tls (nvme-cli 3)";
