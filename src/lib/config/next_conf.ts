/**
 * The connectivity configuration of nvme-stas 3, main file and drop-ins together: what is to be connected, each connection
 * with all that applies to it. Most specific first: controller line, its section, `[Host]`, defaults of the drop-in,
 * defaults of the main file.
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
  /** Undefined: the well-known one of discovery controllers. */
  readonly nqn: NextValue | undefined;
  readonly address: NextValues;
  /** Without those of the main file's defaults. */
  readonly options: NextValues;
  /** Of a drop-in with an identity of its own. */
  readonly hostnqn: NextValue | undefined;
  readonly hostid: NextValue | undefined;
  /** Of the controller line. */
  readonly at: NextValue["at"];
}

export interface NextConf {
  /** All that was read, the main file first. */
  readonly files: readonly string[];
  readonly connections: readonly NextConnection[];
  /** Of the main file: for what is discovered, too. */
  readonly dcDefaults: NextValues;
  readonly iocDefaults: NextValues;
  readonly host: NextValues;
  readonly unread: readonly NextUnread[];
  /** As a whole: nothing of it is to be used. */
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
      const what = `hostnqn ${shown(nqn.value)} is that of ${sameNqn.file}, too: each identity has one file`;
      findings.add("malformed", nqn.at, `${what}; ${REJECTED}`);
    }
    const sameId = before.find((one) => id !== undefined && one.id === id.value.toLowerCase());
    if (sameId !== undefined && sameNqn === undefined && id !== undefined) {
      const what = `hostid ${shown(id.value)} is that of ${sameId.file}, too, under another hostnqn`;
      findings.add("malformed", id.at, `${what}; ${REJECTED}`);
    }
    if (nqn !== undefined && id === undefined) {
      findings.add(
        "unusual",
        nqn.nameAt,
        "hostnqn without hostid: the host ID of this system goes with it here, and nvme-stas 3 lets the kernel make one at " +
          "each boot; add hostid = UUID",
      );
    }
    before.push({ nqn: nqn?.value, id: id?.value.toLowerCase(), file: file.file });
    found.push(...findings.sorted());
  }
  return found;
}

/** What the defaults of a drop-in are not used for here. */
function scopeFindings(dropIns: readonly NextFile[]): readonly Finding[] {
  return dropIns.flatMap((file) => {
    const findings = new FindingList(file.file);
    const [first] = file.iocDefaults.values();
    if (first !== undefined && file.endpoints.some(({ isDc }) => isDc)) {
      findings.add(
        "unusual",
        first.nameAt,
        "what the discovery controllers of this drop-in list gets the defaults of the main file, not these",
      );
    }
    return findings.sorted();
  });
}

/** What `[Host]` of the main file says of this system; what is absent is as in sys.conf. */
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
