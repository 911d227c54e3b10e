/** `doctor`: modules and what the kernel's NVMe-oF host can do. */
import {
  bad,
  type Diagnosis,
  exists,
  good,
  notice,
  PATIENCE,
  type Patient,
  warning,
} from "./doctor_finding.ts";

const DEVICE = "/dev/nvme-fabrics";

/** Options of the connect string that something depends on, and what. */
const OPTIONS: readonly (readonly [option: string, without: string])[] = [
  ["host_iface", "connections cannot be bound to an interface (Linux 5.14)"],
  ["discovery", "discovery controllers with an NQN of their own cannot be used (Linux 5.16)"],
  ["dhchap_secret", "in-band authentication is not possible (CONFIG_NVME_HOST_AUTH, Linux 6.0)"],
  ["tls", "TLS is not possible (CONFIG_NVME_TCP_TLS, Linux 6.7)"],
];

export async function examineKernel({ world, state }: Patient): Promise<readonly Diagnosis[]> {
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
  if (exists(root + DEVICE)) found.push(...await examineOptions(root, world));
  return found;
}

async function examineOptions(root: string, world: Patient["world"]): Promise<readonly Diagnosis[]> {
  if (world.uid !== 0) return [notice("kernel capabilities can be read only as root", "sudo")];
  // By another program: who reads this waits while the kernel makes a connection, and cannot be interrupted.
  const ran = await world.run(["cat", root + DEVICE], PATIENCE);
  if (ran === undefined || !ran.success) {
    return [
      notice("the kernel is busy with a connection and does not tell what it can do", "try again later"),
    ];
  }
  const known = new Set(ran.out.split(/[,\n]/).map((option) => option.split("=")[0]?.trim()));
  const missing = OPTIONS.filter(([option]) => !known.has(option));
  if (missing.length === 0) return [good("the kernel knows all options that are used")];
  return missing.map(([option, without]) =>
    option === "host_iface"
      ? warning(`the kernel does not know ${option}: ${without}`, "use a newer kernel")
      : notice(`the kernel does not know ${option}: ${without}`)
  );
}
