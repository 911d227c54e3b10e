/** A sysfs tree of NVMe controllers in a folder of its own. */
import { sys } from "../../../src/lib/linux/ffi_libc.ts";

// libc is opened at the first use and stays open: not the leak of the test that happens to be the first.
sys.monotonicUsec();

export class FakeSysfs {
  readonly root: string;
  readonly places: { readonly sys: string; readonly registry: string };

  private constructor(root: string) {
    this.root = root;
    this.places = { sys: `${root}/sys`, registry: `${root}/registry` };
  }

  static async create(): Promise<FakeSysfs> {
    const fake = new FakeSysfs(await Deno.makeTempDir({ prefix: "stas-sysfs-" }));
    await Deno.mkdir(`${fake.places.sys}/class/nvme`, { recursive: true });
    await Deno.mkdir(`${fake.places.sys}/kernel`);
    await Deno.writeTextFile(`${fake.places.sys}/kernel/uevent_seqnum`, "4711\n");
    return fake;
  }

  folder(device: string): string {
    return `${this.places.sys}/class/nvme/${device}`;
  }

  /** A controller with these attributes; children are folders below it. */
  async add(
    device: string,
    attributes: Readonly<Record<string, string>>,
    children: readonly string[] = [],
  ): Promise<number> {
    const folder = this.folder(device);
    await Deno.mkdir(`${folder}/power`, { recursive: true });
    for (const [name, value] of Object.entries({ delete_controller: "", ...attributes })) {
      await Deno.writeTextFile(`${folder}/${name}`, value);
    }
    for (const child of children) await Deno.mkdir(`${folder}/${child}`);
    return (await Deno.stat(folder)).ino ?? 0;
  }

  async remove(device: string): Promise<void> {
    await Deno.remove(this.folder(device), { recursive: true });
  }

  /** What was written to an attribute. */
  written(device: string, attribute: string): Promise<string> {
    return Deno.readTextFile(`${this.folder(device)}/${attribute}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.root, { recursive: true });
  }
}

/** Attributes of a discovery controller over tcp, as kernel 6.12 shows them. */
export const DISCOVERY: Readonly<Record<string, string>> = {
  address: "traddr=192.0.2.11,trsvcid=8009,host_iface=fab0,src_addr=192.0.2.1\n",
  cntlid: "7\n",
  cntrltype: "discovery\n",
  dctype: "ddc\n",
  hostid: "f81d4fae-7dec-11d0-a765-00a0c91e6bf6\n",
  hostnqn: "nqn.2014-08.org.nvmexpress:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6\n",
  model: "Linux                                   \n",
  serial: "2d8f9a3c            \n",
  state: "live\n",
  subsysnqn: "nqn.2014-08.org.nvmexpress.discovery\n",
  transport: "tcp\n",
  uevent:
    "MAJOR=241\nMINOR=0\nDEVNAME=nvme0\nNVME_TRTYPE=tcp\nNVME_TRADDR=192.0.2.11\nNVME_TRSVCID=8009\nNVME_HOST_TRADDR=none\nNVME_HOST_IFACE=fab0\n",
};
