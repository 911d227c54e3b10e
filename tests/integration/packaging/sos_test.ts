/** The plugin for sos, loaded by Python beside stand-ins of what sos gives it, old and new. */
import assert from "node:assert/strict";
import { OTHERS } from "../../../scripts/system_packages.ts";
import { lacks, packages } from "../../lacking.ts";

const PLUGIN = "packaging/sos/nvme_stas.py";

const BASE = `
class Plugin:
    chosen = None
    def get_option(self, name):
        return self.chosen
    def add_cmd_output(self, command, suggest_filename=None, stderr=True, sizelimit=None):
        print(command, suggest_filename, stderr, sizelimit)
class RedHatPlugin: pass
class DebianPlugin: pass
class UbuntuPlugin: pass
class SuSEPlugin: pass
`;
const OPTION = `
class PluginOpt:
    def __init__(self, name, default=None, desc=''):
        self.name = name
`;

const RUN = `
import nvme_stas
plugin = nvme_stas.NvmeStas()
for chosen in (False, True):
    plugin.chosen = chosen
    plugin.setup()
option, = plugin.option_list
print(option[0] if isinstance(option, tuple) else option.name)
`;

for (const [version, stand] of [["4.0", BASE], ["4.8", BASE + OPTION]] as const) {
  Deno.test({
    name: `the plugin for sos ${version} has the report on standard output`,
    ignore: lacks(packages([OTHERS.python3])),
    fn: async () => {
      const folder = await Deno.makeTempDir();
      try {
        await Deno.mkdir(`${folder}/sos/report/plugins`, { recursive: true });
        for (const part of ["sos", "sos/report"]) {
          await Deno.writeTextFile(`${folder}/${part}/__init__.py`, "");
        }
        await Deno.writeTextFile(`${folder}/sos/report/plugins/__init__.py`, stand);
        await Deno.copyFile(PLUGIN, `${folder}/nvme_stas.py`);
        const { stdout, stderr } = await new Deno.Command("python3", {
          args: ["-B", "-c", RUN],
          env: { PYTHONPATH: folder },
        }).output();
        assert.equal(new TextDecoder().decode(stderr), "");
        assert.equal(
          new TextDecoder().decode(stdout),
          "stacctl report -o - nvme-stas-report.json False 0\n" +
            "stacctl report --pseudonyms -o - nvme-stas-report.json False 0\npseudonyms\n",
        );
      } finally {
        await Deno.remove(folder, { recursive: true });
      }
    },
  });
}
