/** `doctor`: who else connects NVMe-oF storage on this host, and what. */
import { parseNextFile } from "../lib/config/next_file.ts";
import { parseExclusions } from "../lib/nvme/exclusions.ts";
import { AUTOCONNECT_RULE, nvmeCliVersion, OVERRIDE_MARK, registrySettles } from "../lib/nvme/nvme_cli.ts";
import {
  type Diagnosis,
  exists,
  good,
  namesIn,
  notice,
  PATIENCE,
  type Patient,
  warning,
} from "./doctor_finding.ts";
import { readFileText } from "./host_identity.ts";
import type { World } from "./world.ts";

const OVERRIDE = `/run/udev/rules.d/${AUTOCONNECT_RULE}`;
/** Each with what it connects. */
const UNITS: readonly (readonly [unit: string, connects: string])[] = [
  ["nvmf-autoconnect.service", "connects storage at boot"],
  ["nvmefc-boot-connections.service", "connects storage at boot"],
];
/** It acts on the discovery controllers of stafd, too (tried with nvme-cli 3.1, which Debian's package enables). */
const DISCOVERD = "nvme-discoverd.service";
/** Files in which each line is for `nvme connect-all`. */
const LISTS = ["/etc/nvme/discovery.conf", "/etc/nvme/config.json"];
/** Addresses that are shown of many. */
const MAX_NAMES = 3;

const textOf = (path: string): string | undefined => {
  const file = readFileText(path);
  return file.ok ? file.text : undefined;
};

export function examineNeighbours({ world, daemon, state }: Patient): readonly Diagnosis[] {
  const { root } = world;
  const found: Diagnosis[] = [
    ...(daemon === "stafd" ? udevRule(root, state !== undefined) : []),
    ...UNITS.filter(([unit]) => isEnabled(root, unit)).map(([unit, connects]) =>
      notice(`${unit} also ${connects}`, `systemctl disable ${unit}, unless you want it`)
    ),
    ...(isEnabled(root, DISCOVERD)
      ? [warning(
        `${DISCOVERD} connects what every discovery controller of this host lists, stafd's included: ` +
          "stacd leaves alone what it connected first, and does not disconnect it when the fabric withdraws it",
        `systemctl disable --now ${DISCOVERD}; stacd connects the same`,
      )]
      : []),
    ...LISTS.filter((file) => hasEntries(textOf(root + file) ?? "")).map((file) =>
      notice(`${file} has entries for nvme-cli: "nvme connect-all" uses them`)
    ),
    ...connectivity(root),
    ...exclusions(root),
    ...owners(root),
  ];
  return found.length === 0 ? [good("nothing else connects storage here")] : found;
}

/** What `nvme version` says; undefined where there is no nvme-cli. */
export async function installedNvmeCli(world: World): Promise<string | undefined> {
  const ran = await world.run(["nvme", "version"], PATIENCE);
  return ran?.success === true ? nvmeCliVersion(ran.out) : undefined;
}

function udevRule(root: string, runs: boolean): readonly Diagnosis[] {
  const isShipped = ["/usr/lib", "/lib"].some((lib) =>
    exists(`${root}${lib}/udev/rules.d/${AUTOCONNECT_RULE}`)
  );
  const isOverridden = ["/run", "/etc"].some((dir) =>
    exists(`${root}${dir}/udev/rules.d/${AUTOCONNECT_RULE}`)
  );
  const isLeft = textOf(root + OVERRIDE)?.startsWith(OVERRIDE_MARK) === true;
  if (!runs && isLeft) {
    return [warning(
      `${OVERRIDE} was left behind by a stafd that was killed: nothing follows the events of discovery controllers`,
      `systemctl start stafd, or rm ${OVERRIDE}`,
    )];
  }
  if (!runs || !isShipped || registrySettles((path) => textOf(root + path)) || isOverridden) return [];
  return [warning(
    `nvme-cli's udev rule ${AUTOCONNECT_RULE} is active: it also connects whatever discovery controllers announce`,
    "systemctl restart stafd, which overrides it while it runs",
  )];
}

const isEnabled = (root: string, unit: string): boolean =>
  namesIn(`${root}/etc/systemd/system`).some((dir) =>
    dir.endsWith(".wants") && exists(`${root}/etc/systemd/system/${dir}/${unit}`)
  );

const hasEntries = (text: string): boolean => text.split("\n").some((line) => /^\s*[^#\s]/.test(line));

/** A main file and its drop-ins. */
function filesOf(root: string, file: string): readonly string[] {
  const dropIns = namesIn(`${root}${file}.d`).filter((name) =>
    name.endsWith(".conf") && !name.startsWith(".")
  );
  return [file, ...dropIns.map((name) => `${file}.d/${name}`)].filter((path) => exists(root + path));
}

/** Connectivity files of nvme-cli 3 and of nvme-stas 3: what they name, and for whom. */
function connectivity(root: string): readonly Diagnosis[] {
  const readers = [
    [
      "/etc/nvme/nvme-fabrics.conf",
      isEnabled(root, DISCOVERD) ? "nvme-discoverd connects it" : '"nvme connect-all" connects it',
      null,
    ],
    [
      "/etc/nvme/nvme-stas.conf",
      "it is for nvme-stas 3, and read here only with --conn-conf-file",
      "stasadm import /etc/nvme/nvme-stas.conf shows it in the files of this version",
    ],
  ] as const;
  return readers.flatMap(([main, who, remedy]) => {
    const addresses = filesOf(root, main).flatMap((path) =>
      parseNextFile(textOf(root + path) ?? "", path).endpoints.flatMap(({ paths }) =>
        paths.map(({ address }) => address.get("traddr")?.value ?? "")
      )
    );
    if (addresses.length === 0) return [];
    const unique = [...new Set(addresses)];
    const more = unique.length > MAX_NAMES ? ` and ${unique.length - MAX_NAMES} more` : "";
    return [notice(`${main} names ${unique.slice(0, MAX_NAMES).join(", ")}${more}: ${who}`, remedy)];
  });
}

/** The host-wide list, which the daemons honour, too: what it holds back is looked for elsewhere otherwise. */
function exclusions(root: string): readonly Diagnosis[] {
  const main = "/etc/nvme/exclusions.conf";
  const dropIns = namesIn(`${root}${main}.d`).filter((name) => name.endsWith(".conf"));
  const all = [main, ...dropIns.map((name) => `${main}.d/${name}`)]
    .map((path) => parseExclusions(textOf(root + path) ?? "", path));
  const problems = all.flatMap((one) => one.problems);
  const entries = all.flatMap((one) => one.entries);
  return [
    ...problems.map(({ message }) => warning(message, `correct the line: exclusion = key=value;...`)),
    ...(entries.length === 0 ? [] : [
      notice(
        `${
          entries.length === 1 ? "1 exclusion" : `${entries.length} exclusions`
        } for all programs on this host ` +
          `(${entries[0]?.origin ?? main}): what they match is not connected here either`,
      ),
    ]),
  ];
}

/** The registry of newer nvme-cli says whose connection is whose. */
function owners(root: string): readonly Diagnosis[] {
  const base = `${root}/run/nvme/registry`;
  return namesIn(base).flatMap((device): readonly Diagnosis[] => {
    const owner = (textOf(`${base}/${device}/owner`) ?? "").trim();
    if (["", "stas"].includes(owner)) return [];
    return [notice(`${device} belongs to ${owner}: it is left alone`)];
  });
}
