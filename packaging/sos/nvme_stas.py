# Copyright and license: see the file LICENSE of nvme-stas.
#
# A plugin of sos (https://github.com/sosreport/sos): "sos report" then has the file that "stacctl report" makes, with
# both daemons. sos loads plugins only from its own folder, so copy this file there:
#
#   cp nvme_stas.py "$(python3 -c 'import sos.report.plugins as p; print(p.__path__[0])')/"
#
# Without it, "sos report" has the journal and sysfs, but not what the daemons decided and why.

from sos.report.plugins import DebianPlugin, Plugin, RedHatPlugin, SuSEPlugin, UbuntuPlugin

PSEUDONYMS = "other names for NQNs, addresses, host names and serial numbers"

try:
    from sos.report.plugins import PluginOpt

    OPTIONS = [PluginOpt("pseudonyms", default=False, desc=PSEUDONYMS)]
except ImportError:  # sos before 4.2
    OPTIONS = [("pseudonyms", PSEUDONYMS, "fast", False)]


class NvmeStas(Plugin, RedHatPlugin, DebianPlugin, UbuntuPlugin, SuSEPlugin):
    """
    The report of nvme-stas: the state of stafd and stacd, their last events, log lines, configuration and findings.
    It has no DH-HMAC-CHAP or TLS key. The files in /etc/stas may have keys, so they are not copied.
    """

    short_desc = "NVMe-oF connection service (nvme-stas)"
    plugin_name = "nvme_stas"
    profiles = ("storage",)
    packages = ("nvme-stas",)
    services = ("stafd", "stacd")
    commands = ("stacctl",)

    option_list = OPTIONS

    def setup(self):
        names = " --pseudonyms" if self.get_option("pseudonyms") else ""
        self.add_cmd_output(
            f"stacctl report{names} -o -",
            suggest_filename="nvme-stas-report.json",
            # JSON: neither mixed with messages nor cut.
            stderr=False,
            sizelimit=0,
        )
