/**
 * The kinds of findings: one list for the parser, `check`, the logs of the daemons and the manual. An error
 * means that the file's author does not get what the file asks for; a warning reports something that is
 * merely odd; a notice explains.
 */
export type Severity = "error" | "warning" | "notice";

interface KindFacts {
  readonly severity: Severity;
  /** Text for the manual. */
  readonly what: string;
  /** An example; the finding is about its last line. */
  readonly example: {
    readonly file: "stafd.conf" | "stacd.conf" | "sys.conf";
    readonly lines: readonly string[];
    /** A part of the message. */
    readonly says: string;
  };
}

const controller = (entry: string, says: string, file: "stafd.conf" | "stacd.conf" = "stafd.conf") => ({
  file,
  lines: ["[Controllers]", `controller = ${entry}`],
  says,
});
const global = (
  option: string,
  says: string,
) => ({ file: "stafd.conf", lines: ["[Global]", option], says } as const);

export const FINDING_KINDS = {
  "malformed": {
    severity: "error",
    what: "The file cannot be read as sections and options. It is not used at all.",
    example: { file: "stafd.conf", lines: ["kato = 30"], says: "comes before any [section] line" },
  },
  "format": {
    severity: "error",
    what: "The file is of another program or version: nvme-stas 3, nvme-cli's discovery.conf or config.json.",
    example: {
      file: "stafd.conf",
      lines: ["--transport=tcp --traddr=192.0.2.17"],
      says: "nvme-cli's discovery.conf",
    },
  },
  "security": {
    severity: "error",
    what: "An invalid security option, or a name that resembles one. Nothing is connected without it.",
    example: controller("transport=tcp; traddr=192.0.2.17; tls", "write tls=true (or false)"),
  },
  "identity": {
    severity: "error",
    what: "A host NQN, host ID or symbolic name that is missing or invalid.",
    example: {
      file: "sys.conf",
      lines: ["[Host]", "nqn = nqn.2014-08.com.example:h", "id = 00000000-0000-0000-0000-000000000000"],
      says: "is all zeros",
    },
  },
  "dropped": {
    severity: "error",
    what: "A controller entry that is incomplete or invalid. It is ignored.",
    example: controller("transport=tcp", "traddr is missing"),
  },
  "impossible": {
    severity: "error",
    what:
      "An entry, or a set of options, that cannot be connected: stas, the kernel or another line prevents it.",
    example: controller("transport=tcp; traddr=fe80::17", "needs an interface"),
  },
  "not-taken": {
    severity: "error",
    what: "An option that has no effect on this transport.",
    example: controller("transport=rdma; traddr=192.0.2.17; hdr-digest=true", "has no effect on rdma"),
  },
  "excludes-nothing": {
    severity: "error",
    what:
      "An exclude entry that no controller can match, or that is ignored because it would match too many.",
    example: {
      file: "stafd.conf",
      lines: ["[Controllers]", "exclude = transport=TCP"],
      says: "this entry excludes nothing",
    },
  },
  "bad-value": {
    severity: "error",
    what: "An invalid value. The default is used.",
    example: global("kato = soon", "is not an integer"),
  },
  "misplaced": {
    severity: "error",
    what:
      "A name that is mistyped, is in the wrong section or file, or no longer exists in this version. It is ignored.",
    example: global("katoo = 30", 'did you mean "kato"?'),
  },
  "left-out": {
    severity: "warning",
    what:
      "An empty value, or a number that the kernel does not accept. It is left out, as in the Python implementation.",
    example: global("kato = -5", "it is left out, and the kernel decides"),
  },
  "duplicate": {
    severity: "warning",
    what: "Two lines for one controller.",
    example: {
      file: "stafd.conf",
      lines: [
        "[Controllers]",
        "controller = transport=tcp; traddr=192.0.2.17",
        "controller = transport=tcp; traddr=::ffff:192.0.2.17; kato=10",
      ],
      says: "means the same controller as line",
    },
  },
  "unknown": {
    severity: "warning",
    what: "An unknown name that resembles no known one. It has no effect.",
    example: global("colour = red", 'has no option "colour"'),
  },
  "old-name": {
    severity: "warning",
    what: "A name of an older version, or of nvme-stas 3, that is understood.",
    example: {
      file: "stafd.conf",
      lines: ["[Controllers]", "blacklist = transport=rdma"],
      says: "honoured as exclude",
    },
  },
  "key-file": {
    severity: "warning",
    what: "A key in a file that every user of this host may read.",
    example: controller(
      "transport=tcp; traddr=192.0.2.17; dhchap-secret=DHHC-1:00:ia6zGodOr4SEG0Zzaw398rpY0wqipUWj4jWjUh4HWUz6aQ2n:",
      "every user of this host may read",
    ),
  },
  "unusual": {
    severity: "warning",
    what: "Valid, but rarely intended.",
    example: controller(
      "transport=tcp; traddr=192.0.2.17; nqn=nqn.2014-08.com.example:sub1",
      "an I/O controller belongs in stacd.conf",
    ),
  },
  "note": {
    severity: "notice",
    what: "How the text was interpreted.",
    example: global("kato = 30 \n kato = 31".split(" \n ").join("\n"), "is given more than once"),
  },
} as const satisfies Readonly<Record<string, KindFacts>>;

export type FindingKind = keyof typeof FINDING_KINDS;
