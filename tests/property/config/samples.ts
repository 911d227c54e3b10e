/** Texts that look like configuration files, mostly. */
import fc from "fast-check";
import { CONNECT_OPTIONS } from "../../../src/lib/nvme/option_table.ts";
import { KNOWN_OPTIONS, LEGACY_OPTIONS } from "../../../src/lib/config/known_options.ts";

const anyText = fc.string({ unit: "binary", maxLength: 30 });
const spaces = fc.constantFrom("", "", "", " ", "  ", "\t", "    ");
const section = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(...new Set(KNOWN_OPTIONS.map((o) => o.section)), "Host") },
  { weight: 1, arbitrary: anyText },
);
const option = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.constantFrom(
      ...[...KNOWN_OPTIONS, ...LEGACY_OPTIONS].map((o) => o.option),
      "nqn",
      "id",
      "key",
      "symname",
      "KATO",
    ),
  },
  { weight: 1, arbitrary: anyText },
);
const key = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.constantFrom(
      ...CONNECT_OPTIONS.map((o) => o.name),
      "transport",
      "traddr",
      "trsvcid",
      "nqn",
      "subsysnqn",
      "host-traddr",
      "host-iface",
      "host-nqn",
      "dhchap-secret",
    ),
  },
  { weight: 1, arbitrary: anyText },
);
const word = fc.oneof(
  fc.constantFrom(
    "true",
    "FALSE",
    "enabled",
    "ipv4",
    "ipv6+ipv4",
    "tcp",
    "fc",
    "tcp+rdma",
    "loop",
    "no-disconnect",
  ),
  fc.constantFrom(
    "-1",
    "0",
    "30",
    "1_000",
    "72 hours",
    "1:30",
    "inf",
    "x",
    "",
    "1.2.3.4",
    "fe80::1%eth0",
    "# c",
    "a # b",
  ),
  fc.constantFrom(
    "file:///etc/hostnqn",
    "nqn.2014-08.com.example:x",
    "DHHC-1:00:c2VjcmV0:",
    "NVMeTLSkey-1:01:abc:",
  ),
  anyText,
);
const token = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.tuple(spaces, key, spaces, spaces, word).map(([a, k, b, c, v]) => `${a}${k}${b}=${c}${v}`),
  },
  { weight: 1, arbitrary: word },
);
const entry = fc.array(token, { maxLength: 5 }).map((tokens) => tokens.join(";"));
const line = fc.oneof(
  { weight: 4, arbitrary: section.map((name) => `[${name}]`) },
  { weight: 6, arbitrary: fc.tuple(option, spaces, spaces, word).map(([o, a, b, v]) => `${o}${a}=${b}${v}`) },
  {
    weight: 3,
    arbitrary: fc.tuple(fc.constantFrom("controller", "exclude"), entry).map(([o, v]) => `${o}=${v}`),
  },
  { weight: 1, arbitrary: fc.oneof(option, word, entry) },
  { weight: 1, arbitrary: fc.constantFrom("", "# comment", "; comment", "=") },
);

/** Any text, and more often one with sections, options and values that mean something. */
export const confText: fc.Arbitrary<string> = fc.oneof(
  { weight: 1, arbitrary: fc.string({ unit: "binary" }) },
  {
    weight: 6,
    arbitrary: fc.array(fc.tuple(spaces, line, fc.constantFrom("\n", "\n", "\n", "\r\n", "\r")), {
      maxLength: 25,
    })
      .map((lines) => lines.map((parts) => parts.join("")).join("")),
  },
);

/** The same, in the section of the entries. */
export const entryText: fc.Arbitrary<string> = entry;
