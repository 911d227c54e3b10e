/** What the packages are made with. */
import type { Need } from "../system_packages.ts";

export const PACKAGE_NEEDS: readonly Need[] = [
  { program: "dpkg-deb", apt: ["dpkg"], dnf: ["dpkg"] },
  { program: "rpmbuild", apt: ["rpm"], dnf: ["rpm-build"] },
  { program: "gzip", apt: ["gzip"], dnf: ["gzip"] },
  { program: "md5sum", apt: ["coreutils"], dnf: ["coreutils"] },
];

/** To look at what was made. */
export const UNPACK_NEEDS: readonly Need[] = [
  { program: "rpm2cpio", apt: ["rpm2cpio"], dnf: ["rpm"] },
  { program: "cpio", apt: ["cpio"], dnf: ["cpio"] },
  { program: "mandoc", apt: ["mandoc"], dnf: ["mandoc"] },
];

/** To check metrics and alert rules with. */
export const METRICS_NEEDS: readonly Need[] = [
  { program: "promtool", apt: ["prometheus"], dnf: ["golang-github-prometheus"] },
];

/** To build a container image with. */
export const IMAGE_NEEDS: readonly Need[] = [
  { program: "buildah", apt: ["buildah"], dnf: ["buildah"] },
  { program: "dbus-daemon", apt: ["dbus"], dnf: ["dbus-daemon"] },
];

/** To check the profile of AppArmor and the policy module of SELinux with. */
export const APPARMOR_NEEDS: readonly Need[] = [
  { program: "apparmor_parser", apt: ["apparmor"], dnf: ["apparmor-parser"] },
];
export const SELINUX_NEEDS: readonly Need[] = [
  { program: "checkmodule", apt: ["selinux-policy-dev"], dnf: ["selinux-policy-devel"] },
  { program: "make", apt: ["make"], dnf: ["make"] },
];

/** To build the source packages with, as a distribution does. */
export const SOURCE_NEEDS: readonly Need[] = [
  ...PACKAGE_NEEDS,
  ...UNPACK_NEEDS,
  ...SELINUX_NEEDS,
  { program: "dpkg-buildpackage", apt: ["dpkg-dev"], dnf: ["dpkg-dev"] },
  { program: "dh", apt: ["debhelper"], dnf: ["debhelper"] },
];

/** To run the Ansible role with. */
export const ANSIBLE_NEEDS: readonly Need[] = [
  { program: "ansible-playbook", apt: ["ansible-core"], dnf: ["ansible-core"] },
];
export const ANSIBLE_LINT_NEEDS: readonly Need[] = [
  { program: "ansible-lint", apt: ["ansible-lint"], dnf: ["python3-ansible-lint"] },
];

/** For `--lint`. */
export const LINT_NEEDS: readonly Need[] = [
  { program: "lintian", apt: ["lintian"], dnf: ["lintian"] },
  { program: "rpmlint", apt: ["rpmlint"], dnf: ["rpmlint"] },
];
