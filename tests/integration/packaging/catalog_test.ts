/** systemd's own tool reads the catalog, and explains every event. */
import assert from "node:assert/strict";
import { CATALOG } from "../../../scripts/package/man_journal.ts";
import { OTHERS } from "../../../scripts/system_packages.ts";
import { MESSAGES } from "../../../src/lib/base/messages.ts";
import { lacks, packages } from "../../lacking.ts";

async function journalctl(...args: readonly string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command("journalctl", { args: [...args] }).output();
  assert.ok(success, new TextDecoder().decode(stderr));
  return new TextDecoder().decode(stdout);
}

Deno.test({
  name: "journalctl takes the catalog as installed, and knows every event of it",
  ignore: lacks(packages([OTHERS.journalctl])),
  fn: async () => {
    const root = await Deno.makeTempDir();
    await Deno.mkdir(`${root}/usr/lib/systemd/catalog`, { recursive: true });
    await Deno.mkdir(`${root}/var/lib/systemd/catalog`, { recursive: true });
    await Deno.copyFile(CATALOG, `${root}/usr/lib/systemd/catalog/nvme-stas.catalog`);
    await journalctl(`--root=${root}`, "--update-catalog");
    const listed = await journalctl(`--root=${root}`, "--list-catalog", "--no-pager");
    for (const [type, id] of Object.entries(MESSAGES)) {
      assert.match(listed, new RegExp(`^${id} .*nvme-stas: `, "m"), type);
    }
    assert.match(await journalctl(`--root=${root}`, "--dump-catalog", "--no-pager"), /ctrl-loss-tmo allows/);
  },
});
