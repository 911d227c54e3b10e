/** What a scenario needs of its machine that not every image has: an option of the kernel, a program, a transport. */
import type { Guest } from "./guest.ts";

export interface Need {
  /** A command of the guest's shell that succeeds where this exists. */
  readonly look: string;
  /** What to say where it is not. */
  readonly lacking: string;
}

const kernel = (option: string, what: string): Need => ({
  look: `grep -Eq '^CONFIG_${option}=[ym]' /boot/config-$(uname -r)`,
  lacking: `the kernel has no ${what} (CONFIG_${option})`,
});

const program = (name: string): Need => ({ look: `command -v ${name}`, lacking: `${name} is not installed` });

/** FC without hardware: a target and a host in one kernel. */
export const FC: readonly Need[] = [kernel("NVME_TARGET_FCLOOP", "nvme-fcloop")];

/** RDMA without hardware. */
export const RDMA: readonly Need[] = [kernel("RDMA_RXE", "soft-RoCE"), program("rdma")];

export const LOOP: readonly Need[] = [kernel("NVME_TARGET_LOOP", "nvme-loop")];

export const TLS: readonly Need[] = [
  kernel("NVME_TCP_TLS", "TLS in the host"),
  kernel("NVME_TARGET_TCP_TLS", "TLS in the target"),
  program("tlshd"),
];

/** The target's side; the host's is called differently before Linux 6.7. */
export const AUTHENTICATION: readonly Need[] = [kernel("NVME_TARGET_AUTH", "authentication in the target")];

/** With it the kernel shows the key of a connection whether the target asked for it or not. */
export const NO_AUTHENTICATION: readonly Need[] = [{
  look: "! grep -Eq '^CONFIG_NVME_(HOST_)?AUTH=y' /boot/config-$(uname -r)",
  lacking: "the kernel has authentication",
}];

export const AVAHI: readonly Need[] = [program("avahi-daemon")];

export const IPV6: readonly Need[] = [{
  look: "test -e /proc/sys/net/ipv6",
  lacking: "the kernel has no IPv6",
}];

export const APPARMOR: readonly Need[] = [kernel("SECURITY_APPARMOR", "AppArmor")];

/** Version 1 of the kernel's control groups: systemd 256 asks for one option more, 258 has ended it. */
export const CGROUP_V1: readonly Need[] = [{
  look: "test $(systemctl --version | sed -n 's/^systemd \\([0-9]*\\).*/\\1/p') -lt 256",
  lacking: "this systemd does not start with cgroup v1",
}];

export const LIBNVME_3: readonly Need[] = [{
  look: "ldconfig -p | grep -q 'libnvme3\\.so\\.1 '",
  lacking: "the distribution has no libnvme 3",
}];

export const PODMAN: readonly Need[] = [program("podman")];

export const COMPOSE: readonly Need[] = [program("docker-compose")];

export const NVME_CLI_3: readonly Need[] = [{
  look: "nvme version | grep -q '^nvme version 3'",
  lacking: "nvme-cli 3 is not installed",
}];

export const NVME_STAS_3: readonly Need[] = [{
  look: "dpkg-query -W -f '${Version}' nvme-stas | grep -q '^3'",
  lacking: "nvme-stas 3 is not installed",
}];

export const STRACE: readonly Need[] = [program("strace")];

/** For each of `needs` what to say where it is missing; looks at the guest once. */
export async function lackingIn(guest: Guest, needs: readonly Need[]): Promise<ReadonlyMap<Need, string>> {
  const distinct = [...new Set(needs)];
  if (distinct.length === 0) return new Map();
  const looks = distinct.map(({ look }, index) => `(${look}) >/dev/null 2>&1 || echo ${index}`);
  const answered = (await guest.run(`${looks.join("\n")}\ntrue`)).split("\n");
  return new Map(
    distinct.flatMap((need, index) => answered.includes(String(index)) ? [[need, need.lacking]] : []),
  );
}
