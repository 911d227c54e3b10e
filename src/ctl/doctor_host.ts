/** `doctor`: this host's NQN and ID: missing, malformed, contradictory, or belonging to another host. */
import { createHmac } from "node:crypto";
import { findingText } from "../lib/config/finding.ts";
import { MAY_BE_READ } from "../lib/config/key_source.ts";
import { parseStacdConf } from "../lib/config/stacd_conf.ts";
import { parseStafdConf } from "../lib/config/stafd_conf.ts";
import { DEFAULT_FILES, readSysConf } from "../lib/config/sys_conf.ts";
import {
  isUuid,
  isUuidNqn,
  UUID_NQN_PREFIX,
  uuidFromDmi,
  uuidFromMachineId,
  uuidNqn,
} from "../lib/nvme/host_nqn.ts";
import { bad, type Diagnosis, good, namesIn, notice, type Patient, warning } from "./doctor_finding.ts";
import { asDaemons, whyHidden } from "./hidden_folders.ts";
import { readFileText } from "./host_identity.ts";

export function examineHost({ world }: Patient): readonly Diagnosis[] {
  const { root, confDir } = world;
  const file = `${confDir}/sys.conf`;
  const text = readFileText(file);
  if (!text.ok && text.why === "unreadable") return [bad(text.message, "sudo")];
  const hidden = text.ok ? whyHidden(world, file, file) : undefined;
  if (hidden !== undefined) return [bad(hidden, `put ${file} itself there, not a link`)];
  const read = asDaemons(world, file, (path) => readFileText(root + path));
  const parsed = readSysConf(text.ok ? text.text : undefined, file, read);
  if (!parsed.ok) {
    return parsed.findings.map((finding) => bad(findingText(finding), `correct ${file}`));
  }
  const { nqn, id, findings } = parsed.parts;
  const found: Diagnosis[] = [
    ...findings.map((finding) => warning(findingText(finding), `correct ${file}`)),
    ...publicKeys(confDir),
  ];
  // The remedy is in the message, too.
  const what = (message: string): string => message.replace(/; create one with ".*"$/, "");
  if ("error" in nqn) found.push(bad(what(nqn.error.message), `stasadm hostnqn -f ${DEFAULT_FILES.nqn}`));
  if ("error" in id) found.push(bad(what(id.error.message), `stasadm hostid -f ${DEFAULT_FILES.id}`));
  if ("error" in nqn || "error" in id) return found;
  found.push(...origin(root, nqn.value), ...agreement(nqn.value, id.value), ...others(root, nqn.value));
  return found;
}

/** Keys that every user may read, in the files of the daemons or in files that these name. */
function publicKeys(confDir: string): readonly Diagnosis[] {
  return (["stafd", "stacd"] as const).flatMap((daemon) => {
    const file = `${confDir}/${daemon}.conf`;
    const text = readFileText(file);
    if (!text.ok) return [];
    const parsed = daemon === "stafd"
      ? parseStafdConf(text.text, file, readFileText)
      : parseStacdConf(text.text, file, readFileText);
    return parsed.findings.filter(({ message }) => message.includes(MAY_BE_READ))
      .map((finding) =>
        warning(findingText(finding), "chmod o-r, and make new keys if somebody may have read them")
      );
  });
}

/** The origin of an NQN shows whether the machine may have been cloned. */
function origin(root: string, nqn: string): readonly Diagnosis[] {
  if (!isUuidNqn(nqn)) return [good(`the host NQN is ${nqn}`)];
  const machineId = readFileText(`${root}/etc/machine-id`);
  const productUuid = readFileText(`${root}/sys/class/dmi/id/product_uuid`);
  const hmac = (key: Uint8Array, message: Uint8Array): Uint8Array =>
    createHmac("sha256", key).update(message).digest();
  const same = (uuid: string | undefined): boolean =>
    uuid !== undefined && uuidNqn(uuid).toLowerCase() === nqn.toLowerCase();
  if (machineId.ok && same(uuidFromMachineId(machineId.text, hmac))) {
    return [good("the host NQN is the one of this machine's machine-id")];
  }
  // nvme-cli takes DMI's as it is written, the original of stas in network order.
  if (productUuid.ok && (same(uuidFromDmi(productUuid.text)) || same(productUuid.text.trim()))) {
    return [good("the host NQN is the one of this machine's firmware")];
  }
  return [notice(
    `the host NQN ${nqn} comes neither from the machine-id nor from the firmware of this machine: two hosts with the same ` +
      "NQN interfere with each other's storage",
    `only if this machine is a copy of another one: stasadm hostnqn -f ${DEFAULT_FILES.nqn}`,
  )];
}

/** The kernel keeps one host ID for one host NQN. */
function agreement(nqn: string, id: string): readonly Diagnosis[] {
  if (!isUuid(id)) {
    return [warning(`the host ID "${id}" is not a UUID`, `stasadm hostid -f ${DEFAULT_FILES.id}`)];
  }
  if (!isUuidNqn(nqn) || nqn.slice(UUID_NQN_PREFIX.length).toLowerCase() === id.toLowerCase()) return [];
  return [notice("the host ID differs from the UUID in the host NQN; that is allowed, but unusual")];
}

/** Connections that were made under another host NQN. */
function others(root: string, nqn: string): readonly Diagnosis[] {
  const base = `${root}/sys/class/nvme`;
  return namesIn(base).flatMap((device): readonly Diagnosis[] => {
    const hostNqn = readFileText(`${base}/${device}/hostnqn`);
    if (!hostNqn.ok || hostNqn.text.trim() === "" || hostNqn.text.trim() === nqn) return [];
    return [notice(`${device} is connected under another host NQN, ${hostNqn.text.trim()}`)];
  });
}
