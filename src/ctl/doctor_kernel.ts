/** `doctor`: the kernel's NVMe-oF host and its modules. */
import { bad, type Diagnosis, exists, good, type Patient } from "./doctor_finding.ts";

const DEVICE = "/dev/nvme-fabrics";

export function examineKernel({ world, state }: Patient): readonly Diagnosis[] {
  const { root } = world;
  const found: Diagnosis[] = [];
  if (!exists(root + DEVICE)) {
    found.push(bad(`${DEVICE} does not exist: nothing can be connected`, "modprobe nvme-fabrics"));
  }
  const used = new Set(state?.controllers.map(({ tid }) => tid.transport) ?? ["tcp"]);
  for (const transport of used) {
    const module = transport === "loop" ? "nvme_loop" : `nvme_${transport}`;
    const name = module.replace("_", "-");
    if (exists(`${root}/sys/module/${module}`)) found.push(good(`module ${name} is loaded`));
    else {
      found.push(bad(
        `module ${name} is not loaded: nothing can be connected over ${transport}`,
        `modprobe ${name}; for every boot: echo ${name} > /etc/modules-load.d/nvme-stas.conf`,
      ));
    }
  }
  return found;
}
