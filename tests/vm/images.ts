/** The machines that the programs are tested on, by the names that `tests/vm/bed/images.sh` gives them. */
import type { Target } from "../../scripts/denort.ts";

export interface Image {
  readonly name: string;
  /** What it stands for. */
  readonly what: string;
  readonly target: Target;
  /** Parts of names: the long scenarios that its short run has, too, since no other image is made for them. */
  readonly also?: readonly string[];
}

const X86: Target = "x86_64-unknown-linux-gnu";

export const TESTED: readonly Image[] = [
  { name: "clean", what: "Debian 13", target: X86 },
  {
    name: "bookworm",
    what: "Debian 12: the short scenarios and cgroup v1, which newer ones do not start with",
    target: X86,
    also: ["odd host: cgroup v1", "and a kernel without it"],
  },
  { name: "sid", what: "Debian sid", target: X86 },
  { name: "bpo", what: "Debian 13 with the newest kernel of its backports", target: X86 },
  {
    name: "rdma",
    what: "Debian 13 with the full kernel: the short scenarios and all of RDMA and FC",
    target: X86,
    also: ["RDMA", "FC"],
  },
  { name: "arm64", what: "Debian 13 on aarch64", target: "aarch64-unknown-linux-gnu" },
];

/** For scenarios of their own; not among `all`. */
const SPECIAL: readonly Image[] = [
  { name: "podman", what: "Debian 13 with podman and Compose", target: X86 },
  { name: "next", what: "Debian sid with nvme-cli 3 and libnvme 3", target: X86 },
];

/** With the original installed. */
export const PEER: Image = { name: "peer", what: "Debian 13 with the original", target: X86 };

/** With Cockpit installed. */
export const COCKPIT: Image = { name: "cockpit", what: "Debian 13 with its Cockpit", target: X86 };

/** For the role of Ansible. */
export const MANAGED: Image = {
  name: "ansible",
  what: "Debian 12 with what Ansible needs of a host",
  target: X86,
};

/** The images that were asked for by name; `all` is every one. */
export function imagesNamed(names: readonly string[]): readonly Image[] {
  if (names.includes("all")) return TESTED;
  const known = [...TESTED, ...SPECIAL];
  return names.map((name) => {
    const image = known.find((one) => one.name === name);
    if (image === undefined) {
      throw new Error(
        `--image ${name}: no such image; there are: ${known.map((one) => one.name).join(", ")}, all`,
      );
    }
    return image;
  });
}
