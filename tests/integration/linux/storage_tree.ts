/** A sysfs of subsystems, paths and namespaces in a folder of its own, from a short description. */

export interface TreePath {
  /** By namespace number; empty text: no ANA. */
  readonly ana?: Readonly<Record<string, string>>;
  readonly state?: string;
  readonly traddr?: string;
  readonly srcAddr?: string;
  readonly ctrlLossTmo?: string;
}

export interface TreeSubsystem {
  readonly nqn: string;
  readonly model?: string;
  readonly ioPolicy?: string | undefined;
  readonly paths: Readonly<Record<string, TreePath>>;
}

export interface StorageTree {
  /** Text of nvme_core's parameter; `null`: no such parameter. */
  readonly multipath?: string | null;
  readonly kernel?: string;
  /** By number. */
  readonly subsystems: Readonly<Record<string, TreeSubsystem>>;
  /** Files beside, by path below the root; what ends in `/` is an empty folder. */
  readonly files?: Readonly<Record<string, string>>;
}

export async function withTree(tree: StorageTree, test: (root: string) => Promise<void>): Promise<void> {
  const root = await Deno.makeTempDir({ prefix: "stas-storage-" });
  try {
    for (const [name, text] of Object.entries(filesOf(tree))) {
      const path = `${root}/${name}`;
      await Deno.mkdir(name.endsWith("/") ? path : path.slice(0, path.lastIndexOf("/")), { recursive: true });
      if (!name.endsWith("/")) await Deno.writeTextFile(path, text);
    }
    await test(root);
  } finally {
    await Deno.remove(root, { recursive: true });
  }
}

function filesOf(tree: StorageTree): Readonly<Record<string, string>> {
  const { multipath = "Y", kernel = "6.12.90" } = tree;
  const files: Record<string, string> = {
    "proc/self/mountinfo": "22 1 8:1 / / rw - ext4 /dev/sda1 rw\n",
    "proc/swaps": "Filename Type Size Used Priority\n",
    "proc/sys/kernel/osrelease": `${kernel}\n`,
    "sys/class/block/": "",
    "sys/module/nvme_core/parameters/io_timeout": "30\n",
    ...(multipath === null ? {} : { "sys/module/nvme_core/parameters/multipath": `${multipath}\n` }),
  };
  for (
    const [number, { nqn, model = "Linux", ioPolicy = "numa", paths }] of Object.entries(tree.subsystems)
  ) {
    const folder = `sys/class/nvme-subsystem/nvme-subsys${number}`;
    files[`${folder}/subsysnqn`] = `${nqn}\n`;
    files[`${folder}/model`] = `${model.padEnd(40)}\n`;
    if (multipath !== null) files[`${folder}/iopolicy`] = `${ioPolicy}\n`;
    for (const [device, path] of Object.entries(paths)) {
      const { ana = { "1": "optimized" }, state = "live", traddr = "10.0.0.25", srcAddr = "" } = path;
      const own = `sys/class/nvme/${device}`;
      const source = srcAddr === "" ? "" : `,src_addr=${srcAddr}`;
      Object.assign(files, {
        [`${folder}/${device}/`]: "",
        [`${own}/power/`]: "",
        [`${own}/address`]: `traddr=${traddr},trsvcid=4420${source}\n`,
        [`${own}/cntlid`]: "1\n",
        [`${own}/cntrltype`]: "io\n",
        [`${own}/ctrl_loss_tmo`]: `${path.ctrlLossTmo ?? "600"}\n`,
        [`${own}/model`]: `${model.padEnd(40)}\n`,
        [`${own}/state`]: `${state}\n`,
        [`${own}/subsysnqn`]: `${nqn}\n`,
        [`${own}/transport`]: "tcp\n",
      });
      for (const [namespace, anaState] of Object.entries(ana)) {
        const isShared = multipath?.startsWith("Y") === true;
        const child = isShared
          ? `nvme${number}c${device.slice("nvme".length)}n${namespace}`
          : `${device}n${namespace}`;
        const head = isShared ? `nvme${number}n${namespace}` : child;
        files[`${own}/${child}/stat`] = "1 0 8 0 0 0 0 0 0 0 0\n";
        if (anaState !== "") files[`${own}/${child}/ana_state`] = `${anaState}\n`;
        files[`sys/class/block/${head}/dev`] = `259:${number}${namespace}\n`;
      }
    }
  }
  return { ...files, ...tree.files };
}
