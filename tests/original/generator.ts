/** Random configurations: what people write, what they mistype, and what no one would. One seed, one configuration. */
import { Random } from "../fuzz/random.ts";

export interface Case {
  readonly daemon: "stafd" | "stacd";
  readonly text: string;
}

const BOOLEANS = ["true", "false", "True", "FALSE", "yes", "1", "", "true # why", "maybe"];
const INTEGERS = [
  "0",
  "1",
  "2",
  "7",
  "16",
  "30",
  "+5",
  "1_0",
  "1024",
  "1025",
  "2147483647",
  "-1",
  "-5",
  " 8 ",
  "0x10",
  "1.5",
  "ten",
  "",
  "9 s",
  "007",
  "1__0",
  "\u0663",
];
const ENABLED = ["enabled", "disabled", "Enabled", "DISABLED", "true", "", "on"];
const SPANS = [
  "0",
  "60",
  "72 hours",
  "72hours",
  "-1",
  "1 day 12h",
  "1:30",
  "1:02:03",
  "2 days 1:00:00",
  ":22",
  "0.5",
  "1e3",
  "inf",
  "nan",
  "-2 hours",
  "5 weeks",
  "1.5 min",
  "1h,30m",
  "1m24s",
  "",
  "3 days / 2 h",
  "never",
];

/** Options by section, with what may stand behind them. */
const OPTIONS: readonly (readonly [section: string, option: string, values: readonly string[]])[] = [
  ["Global", "tron", BOOLEANS],
  ["Global", "hdr-digest", BOOLEANS],
  ["Global", "data-digest", BOOLEANS],
  ["Global", "disable-sqflow", BOOLEANS],
  ["Global", "ignore-iface", BOOLEANS],
  ["Global", "kato", INTEGERS],
  ["Global", "queue-size", INTEGERS],
  ["Global", "reconnect-delay", INTEGERS],
  ["Global", "ctrl-loss-tmo", INTEGERS],
  ["Global", "nr-io-queues", INTEGERS],
  ["Global", "nr-write-queues", INTEGERS],
  ["Global", "nr-poll-queues", INTEGERS],
  ["Global", "ip-family", ["ipv4", "ipv6", "ipv4+ipv6", "ipv6+ipv4", "IPv4", "both", "", "ipv4 + ipv6"]],
  ["Global", "pleo", ENABLED],
  ["Service Discovery", "zeroconf", ENABLED],
  ["Discovery controller connection management", "persistent-connections", BOOLEANS],
  ["Discovery controller connection management", "zeroconf-connections-persistence", SPANS],
  [
    "I/O controller connection management",
    "disconnect-scope",
    [
      "only-stas-connections",
      "all-connections-matching-disconnect-trtypes",
      "no-disconnect",
      "No-Disconnect",
      "none",
      "",
    ],
  ],
  [
    "I/O controller connection management",
    "disconnect-trtypes",
    ["tcp", "tcp+rdma", "rdma+fc+tcp", "tcp + rdma", "iscsi", "tcp+iscsi", "", "TCP", "tcp+tcp"],
  ],
  ["I/O controller connection management", "connect-attempts-on-ncc", INTEGERS],
];

const SECTIONS = [...new Set(OPTIONS.map(([section]) => section)), "Controllers"];
const ODD_SECTIONS = ["global", "Controller", "I/O Controllers", "Globals", " Global", "Controllers ", "x]y"];
const ADDRESSES = [
  "192.0.2.1",
  "192.0.2.2",
  "10.0.0.1",
  "2001:db8::1",
  "2001:DB8::1",
  "fe80::1%eth0",
  "::ffff:192.0.2.1",
  "dc.example.com",
  "array1",
  "010.0.0.1",
  "10.1",
  "",
];
const NQNS = [
  "nqn.2014-08.org.example:a",
  "nqn.2014-08.org.example:b",
  "nqn.2014-08.org.nvmexpress.discovery",
  "",
];
const FC = "nn-0x200400a098d8580e:pn-0x200500a098d8580e";
const KEY = "DHHC-1:00:ia6zGodOr4SEG0Zzaw398rpY0wqipUWj4jWjUh4HWUz6aQ2n:";
const PADDED = "DHHC-1:02:ktHwjnAkfoDbbLDSJ5jtxkUA0yfKXGzSQjBlCI2bEPEoXrKJXc1QGpmaaqcDd1v7WwsV/Q==:";

const TOKENS: readonly (readonly [key: string, values: readonly string[]])[] = [
  ["trsvcid", ["8009", "4420", "", "x"]],
  ["nqn", NQNS],
  ["subsysnqn", NQNS],
  ["host-traddr", ["192.0.2.9", "", "none"]],
  ["host-iface", ["eth0", "", "none"]],
  ["host-nqn", ["nqn.2014-08.org.example:h", ""]],
  ["dhchap-secret", [KEY, PADDED, "secret", ""]],
  ["dhchap-ctrl-secret", [KEY, ""]],
  ["kato", INTEGERS],
  ["queue-size", INTEGERS],
  ["ctrl-loss-tmo", INTEGERS],
  ["reconnect-delay", INTEGERS],
  ["nr-io-queues", INTEGERS],
  ["nr-write-queues", INTEGERS],
  ["nr-poll-queues", INTEGERS],
  ["hdr-digest", BOOLEANS],
  ["data-digest", BOOLEANS],
  ["disable-sqflow", BOOLEANS],
  ["colour", ["red", ""]],
  ["Kato", ["5"]],
];
const JUNK_TOKENS = [
  "tls",
  "",
  " ",
  "x",
  "a=b=c",
  "=5",
  "hdr-digest",
  "kato:5",
  "transport=tcp",
  "traddr=192.0.2.2",
];
const JUNK_LINES = [
  "kato: 7",
  "= 5",
  "tron",
  "[",
  "[]",
  "[Global",
  "[Global] # why",
  "controller",
  "exclude",
  "no equals here",
  "\u00e4=1",
  "tron=true",
  "; exclude=transport=tcp",
  "#[Global]",
  "kato == 5",
];

/** Those that entries are tried on: with an interface and without, with each field alone different. */
export const POOL: readonly Readonly<Record<string, string>>[] = [
  {
    transport: "tcp",
    traddr: "192.0.2.1",
    trsvcid: "8009",
    subsysnqn: "nqn.2014-08.org.nvmexpress.discovery",
  },
  { transport: "tcp", traddr: "192.0.2.1", trsvcid: "4420", subsysnqn: "nqn.2014-08.org.example:a" },
  { transport: "tcp", traddr: "192.0.2.2", subsysnqn: "nqn.2014-08.org.example:b", "host-iface": "eth0" },
  { transport: "tcp", traddr: "2001:db8::1", trsvcid: "4420", subsysnqn: "nqn.2014-08.org.example:a" },
  { transport: "tcp", traddr: "array1", subsysnqn: "nqn.2014-08.org.example:a", "host-traddr": "192.0.2.9" },
  { transport: "tcp", traddr: "10.0.0.1", subsysnqn: "", "host-nqn": "nqn.2014-08.org.example:h" },
  { transport: "rdma", traddr: "192.0.2.2", subsysnqn: "nqn.2014-08.org.example:a", "host-iface": "eth1" },
  { transport: "fc", traddr: FC, subsysnqn: "nqn.2014-08.org.example:a", "host-traddr": FC },
  { transport: "loop", subsysnqn: "nqn.2014-08.org.example:b" },
];

export function makeCase(seed: number): Case {
  const random = new Random(seed);
  return { daemon: random.below(2) === 0 ? "stafd" : "stacd", text: new Generator(random).text() };
}

class Generator {
  readonly #random: Random;

  constructor(random: Random) {
    this.#random = random;
  }

  text(): string {
    const parts: string[] = [];
    if (this.#one(12)) parts.push(this.#line("kato = 1"));
    const sections = 1 + this.#random.below(5);
    for (let n = 0; n < sections; n++) parts.push(this.#section());
    const whole = parts.join("");
    return this.#one(20) ? whole.replaceAll("\n", "\r\n") : this.#one(30) ? whole.trimEnd() : whole;
  }

  #one(of: number): boolean {
    return this.#random.below(of) === 0;
  }

  #pick<T>(list: readonly T[], otherwise: T): T {
    return this.#random.pick(list, otherwise);
  }

  #section(): string {
    // Controllers are what most files are about.
    const name = this.#one(15)
      ? this.#pick(ODD_SECTIONS, "")
      : this.#one(2)
      ? "Controllers"
      : this.#pick(SECTIONS, "");
    const lines = [this.#line(`[${name}]`)];
    const count = this.#random.below(6);
    const indent = this.#one(20) ? "  " : "";
    for (let n = 0; n < count; n++) lines.push(indent + this.#option(name));
    return lines.join("");
  }

  #line(text: string): string {
    return `${text}\n`;
  }

  #option(section: string): string {
    if (this.#one(25)) return this.#line(this.#pick(JUNK_LINES, ""));
    if (this.#one(12)) return this.#pick(["\n", "# a comment\n", "  ; another\n", "   \n", "\n\n"], "\n");
    if (this.#one(25)) return this.#line(`   ${this.#pick([this.#entry(), "true", "5", "kato = 5"], "")}`);
    if (section === "Controllers" && !this.#one(15)) {
      const name = this.#pick(
        ["controller", "controller", "Controller", "exclude", "exclude", "blacklist"],
        "exclude",
      );
      const entry = name.endsWith("ontroller") ? this.#entry() : this.#exclude();
      const comment = this.#one(40) ? "  # why" : "";
      return this.#line(`${name}${this.#equals()}${entry}${comment}`);
    }
    const own = OPTIONS.filter(([of]) => of === section);
    const [, option, values] = this.#pick(this.#one(12) || own.length === 0 ? OPTIONS : own, [
      "",
      "kato",
      INTEGERS,
    ]);
    const name = this.#one(25) ? option.toUpperCase() : this.#one(40) ? option.replace("-", "_") : option;
    return this.#line(this.#one(40) ? name : `${name}${this.#equals()}${this.#pick(values, "")}`);
  }

  #equals(): string {
    return this.#pick(["=", " = ", "= ", " ="], "=");
  }

  #entry(): string {
    const transport = this.#one(12) ? this.#pick(["TCP", "tpc", "fc", "loop", "rdma ", ""], "") : this.#pick(
      ["tcp", "tcp", "tcp", "rdma"],
      "tcp",
    );
    const tokens = [`transport=${transport}`];
    if (!this.#one(15)) {
      tokens.push(`traddr=${transport === "fc" && !this.#one(3) ? FC : this.#pick(ADDRESSES, "")}`);
    }
    if (transport === "fc" && !this.#one(3)) tokens.push(`host-traddr=${FC}`);
    if (!this.#one(4)) tokens.push(`nqn=${this.#pick(NQNS, "")}`);
    return this.#joined(tokens, 4);
  }

  #exclude(): string {
    const tokens: string[] = [];
    if (this.#one(2)) {
      tokens.push(`transport=${this.#pick(["tcp", "tcp", "rdma", "fc", "loop", "TCP", ""], "tcp")}`);
    }
    if (this.#one(2)) {
      tokens.push(
        `traddr=${this.#pick([...ADDRESSES, FC, "192.0.2.0/24", "192.0.2.*", "2001:db8::/32"], "")}`,
      );
    }
    if (this.#one(4)) tokens.push(`nqn=${this.#pick([...NQNS, "nqn.2014-08.*", "*"], "")}`);
    return this.#joined(tokens, 2);
  }

  #joined(tokens: string[], more: number): string {
    for (let n = this.#random.below(more); n > 0; n--) {
      const [key, values] = this.#pick(TOKENS, ["kato", INTEGERS]);
      tokens.push(this.#one(20) ? this.#pick(JUNK_TOKENS, "") : `${key}=${this.#pick(values, "")}`);
    }
    const equals = this.#one(10) ? " = " : "=";
    const semicolon = this.#pick([";", ";", "; ", " ; ", ";;"], ";");
    return tokens.map((token) => token.replace("=", equals)).join(semicolon) + (this.#one(15) ? ";" : "");
  }
}
