/** `doctor`: who else connects NVMe-oF storage on this host. */
import { type Diagnosis, exists, good, namesIn, notice, type Patient, warning } from "./doctor_finding.ts";
import { readFileText } from "./host_identity.ts";

const RULE = "70-nvmf-autoconnect.rules";
const UNITS = ["nvmf-autoconnect.service", "nvmefc-boot-connections.service", "nvme-discoverd.service"];

export function examineNeighbours({ world, daemon, state }: Patient): readonly Diagnosis[] {
  const { root } = world;
  const found: Diagnosis[] = [];
  const shipped = ["/usr/lib", "/lib"].some((lib) => exists(`${root}${lib}/udev/rules.d/${RULE}`));
  const shadowed = ["/run", "/etc"].some((dir) => exists(`${root}${dir}/udev/rules.d/${RULE}`));
  if (daemon === "stafd" && shipped && !shadowed && state !== undefined) {
    found.push(warning(
      `nvme-cli's udev rule ${RULE} is active: it also connects whatever discovery controllers announce`,
      "systemctl restart stafd, which overrides it while it runs",
    ));
  }
  for (const unit of UNITS) {
    const wanted = namesIn(`${root}/etc/systemd/system`).some((dir) =>
      dir.endsWith(".wants") && exists(`${root}/etc/systemd/system/${dir}/${unit}`)
    );
    if (wanted) {
      found.push(
        notice(`${unit} also connects storage at boot`, `systemctl disable ${unit}, unless you want it`),
      );
    }
  }
  for (const file of ["/etc/nvme/discovery.conf", "/etc/nvme/config.json"]) {
    const text = readFileText(root + file);
    const entries = text.ok ? text.text.split("\n").filter((line) => /^\s*[^#\s]/.test(line)) : [];
    if (entries.length > 0) {
      found.push(notice(`${file} has entries for nvme-cli: "nvme connect-all" uses them`));
    }
  }
  found.push(...owners(root));
  return found.length === 0 ? [good("nothing else connects storage here")] : found;
}

/** The registry of newer nvme-cli says whose connection is whose. */
function owners(root: string): readonly Diagnosis[] {
  const base = `${root}/run/nvme/registry`;
  return namesIn(base).flatMap((device): readonly Diagnosis[] => {
    const owner = readFileText(`${base}/${device}/owner`);
    if (!owner.ok || ["", "stas"].includes(owner.text.trim())) return [];
    return [notice(`${device} belongs to ${owner.text.trim()}: it is left alone`)];
  });
}
