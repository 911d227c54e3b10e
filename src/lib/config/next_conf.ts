/**
 * The connectivity configuration of nvme-stas 3, main file and drop-ins together: the connections, each with
 * all options that apply to it. In order of precedence: controller line, its section, `[Host]`, defaults of
 * the drop-in, defaults of the main file.
 */
import { type Finding, FindingList } from "./finding.ts";
import {
  isForDcs,
  type NextEndpoint,
  type NextFile,
  type NextUnread,
  type NextValue,
  type NextValues,
} from "./next_file.ts";
import { shown } from "./redact.ts";

/** One path of an endpoint. */
export interface NextConnection {
  readonly file: string;
  readonly isDc: boolean;
  /** Undefined: the well-known discovery NQN. */
  readonly nqn: NextValue | undefined;
  readonly address: NextValues;
  /** Its options, without the defaults of the main file. */
  readonly options: NextValues;
  /** The identity of a drop-in that has its own. */
  readonly hostnqn: NextValue | undefined;
  readonly hostid: NextValue | undefined;
  /** The place of the controller line. */
  readonly at: NextValue["at"];
}

export interface NextConf {
  /** All files that were read, the main file first. */
  readonly files: readonly string[];
  readonly connections: readonly NextConnection[];
  /** The defaults of the main file, which apply to discovered controllers, too. */
  readonly dcDefaults: NextValues;
  readonly iocDefaults: NextValues;
  readonly host: NextValues;
  readonly unread: readonly NextUnread[];
  /** Rejected as a whole: no part of it may be used. */
  readonly isRejected: boolean;
  readonly findings: readonly Finding[];
}

const NONE: NextValues = new Map();

export function nextConf(main: NextFile, dropIns: readonly NextFile[]): NextConf {
  const files = [main, ...dropIns];
  const identities = identityFindings(main, dropIns);
  return {
    files: files.map(({ file }) => file),
    connections: files.flatMap((file) =>
      file.endpoints.flatMap((endpoint) =>
        endpoint.paths.map((path) => connection(file, file === main, endpoint, path))
      )
    ),
    dcDefaults: main.dcDefaults,
    iocDefaults: main.iocDefaults,
    host: main.host?.values ?? NONE,
    unread: files.flatMap(({ unread }) => unread),
    isRejected: files.some(({ isRejected }) => isRejected) ||
      identities.some(({ severity }) => severity === "error"),
    findings: [...files.flatMap(({ findings }) => findings), ...identities, ...scopeFindings(dropIns)],
  };
}

function connection(
  file: NextFile,
  isMain: boolean,
  { isDc, options }: NextEndpoint,
  path: NextEndpoint["paths"][number],
): NextConnection {
  const own = file.host?.values ?? NONE;
  const defaults = isDc ? file.dcDefaults : file.iocDefaults;
  const merged = new Map([...(isMain ? NONE : defaults), ...own, ...options, ...path.options]);
  const nqn = merged.get("nqn");
  for (const name of ["nqn", "hostnqn", "hostid", "hostsymname"]) merged.delete(name);
  for (const name of merged.keys()) if (!isDc && isForDcs(name)) merged.delete(name);
  return {
    file: file.file,
    isDc,
    nqn,
    address: path.address,
    options: merged,
    hostnqn: isMain ? undefined : given(own.get("hostnqn")),
    hostid: isMain ? undefined : given(own.get("hostid")),
    at: path.at,
  };
}

const given = (value: NextValue | undefined): NextValue | undefined =>
  value?.value === "" ? undefined : value;

const REJECTED = "the whole configuration is rejected";

/** One host NQN, one host ID, one file. */
function identityFindings(main: NextFile, dropIns: readonly NextFile[]): readonly Finding[] {
  const found: Finding[] = [];
  const before: {
    readonly nqn: string | undefined;
    readonly id: string | undefined;
    readonly file: string;
  }[] = [];
  for (const file of [main, ...dropIns]) {
    const findings = new FindingList(file.file);
    const { host } = file;
    if (host === undefined) continue;
    const nqn = given(host.values.get("hostnqn"));
    const id = given(host.values.get("hostid"));
    if (nqn === undefined && file !== main) {
      findings.add("malformed", host.at, `[Host] of a drop-in needs a hostnqn; ${REJECTED}`);
    }
    const sameNqn = before.find((one) => nqn !== undefined && one.nqn === nqn.value);
    if (sameNqn !== undefined && nqn !== undefined) {
      const what = `${sameNqn.file} has hostnqn ${
        shown(nqn.value)
      }, too: each identity needs a file of its own`;
      findings.add("malformed", nqn.at, `${what}; ${REJECTED}`);
    }
    const sameId = before.find((one) => id !== undefined && one.id === id.value.toLowerCase());
    if (sameId !== undefined && sameNqn === undefined && id !== undefined) {
      const what = `${sameId.file} has hostid ${shown(id.value)}, too, with another hostnqn`;
      findings.add("malformed", id.at, `${what}; ${REJECTED}`);
    }
    if (nqn !== undefined && id === undefined) {
      findings.add(
        "unusual",
        nqn.nameAt,
        "hostnqn without hostid: here the host ID of this system is used, while nvme-stas 3 lets the kernel make one at " +
          "each boot; add hostid = UUID",
      );
    }
    before.push({ nqn: nqn?.value, id: id?.value.toLowerCase(), file: file.file });
    found.push(...findings.sorted());
  }
  return found;
}

/** Reports defaults of a drop-in that have no effect here. */
function scopeFindings(dropIns: readonly NextFile[]): readonly Finding[] {
  return dropIns.flatMap((file) => {
    const findings = new FindingList(file.file);
    const [first] = file.iocDefaults.values();
    if (first !== undefined && file.endpoints.some(({ isDc }) => isDc)) {
      findings.add(
        "unusual",
        first.nameAt,
        "controllers that the discovery controllers of this drop-in list get the defaults of the main file, not these",
      );
    }
    return findings.sorted();
  });
}

/** The identity in `[Host]` of the main file; absent values come from sys.conf. */
export function identityOf({ host }: NextConf): {
  readonly nqn?: string;
  readonly id?: string;
  readonly symname?: string;
  readonly key?: string;
} {
  const put = (name: string, value: NextValue | undefined) =>
    value === undefined || value.value === "" ? {} : { [name]: value.value };
  return {
    ...put("nqn", host.get("hostnqn")),
    ...put("id", host.get("hostid")),
    ...put("symname", host.get("hostsymname")),
    ...put("key", host.get("kxchap-secret") ?? host.get("dhchap-secret")),
  };
}
