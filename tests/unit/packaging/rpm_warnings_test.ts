import assert from "node:assert/strict";
import { withoutWarnings } from "../../integration/packaging/rpm_system.ts";

Deno.test("what rpm says of every run is no complaint of a package; anything else is", () => {
  // Debian 12 and 13, word for word.
  assert.equal(
    withoutWarnings(
      "rpm: RPM should not be used directly install RPM packages, use Alien instead!\n" +
        "rpm: However assuming you know what you are doing...\n" +
        "warning: private mounts in chroot not implemented\n" +
        "warning: Unable to reset nice value: Permission denied\n",
    ),
    "",
  );
  const news = "warning: /etc/stas/stafd.conf created as /etc/stas/stafd.conf.rpmnew\n";
  assert.equal(withoutWarnings(`warning: private mounts in chroot not implemented\n${news}`), news);
  assert.equal(withoutWarnings("error: failed dependencies:\n"), "error: failed dependencies:\n");
});
