/**
 * Network namespaces for those who are not root. The kernel lets an ordinary user be root of a user namespace, where Debian,
 * Fedora and most others allow it; tests in one make network namespaces, addresses and cables as root does.
 */
import { collect } from "./run.ts";

/**
 * Brings up what tests find on a machine: sysfs with the namespace's own interfaces, loopback, a folder for `ip netns`, and a
 * cable, of which root of the namespace may have the kernel send events. Root is the only user there, so Avahi has to be root.
 */
const FURNISH = `set -e
mount -t sysfs sysfs /sys
mount -t tmpfs tmpfs /run
ip link set lo up
ip link add cable0 type veth peer name cable1
sed 's/^avahi:x:[0-9]*:[0-9]*:/avahi:x:0:0:/' /etc/passwd >/run/passwd
sed 's/^avahi:x:[0-9]*:/avahi:x:0:/' /etc/group >/run/group
mount --bind /run/passwd /etc/passwd
mount --bind /run/group /etc/group
exec "$@"`;

const ROOM = ["unshare", "--user", "--map-root-user", "--net", "--mount", "sh", "-c", FURNISH, "sh"];

async function works(command: readonly string[]): Promise<boolean> {
  return (await collect([...command, "true"])).success;
}

/** What runs a command as root of a network; nothing where the command may do all of that already, or not even this. */
export async function rootOfNetwork(): Promise<readonly string[]> {
  return !await works(["unshare", "--net", "--mount"]) && await works(ROOM) ? ROOM : [];
}
