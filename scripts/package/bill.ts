/** What the program is made of: a CycloneDX bill of materials, and notices for people. From the build's record, package-lock.json and the program. */
import lock from "../../package-lock.json" with { type: "json" };
import { VERSION } from "../../src/lib/base/version.ts";
import { type BuildRecord, type Crate, runtimeText } from "../runtime.ts";

interface Part {
  readonly name: string;
  readonly version?: string;
  readonly license: string;
  readonly purl?: string;
}

/** Libraries that the runtime holds, as far as they are known; their versions are those of that release of Deno. */
const RUNTIME_PARTS: readonly Part[] = [
  { name: "V8", version: Deno.version.v8, license: "BSD-3-Clause" },
  { name: "ICU", license: "Unicode-3.0" },
  { name: "AWS-LC", license: "ISC AND (Apache-2.0 OR ISC) AND OpenSSL" },
  { name: "rustls", license: "Apache-2.0 OR ISC OR MIT" },
  { name: "SQLite", license: "blessing" },
  { name: "zlib", license: "Zlib" },
  { name: "Zstandard", license: "BSD-3-Clause" },
  { name: "Brotli", license: "MIT" },
  { name: "libffi", license: "MIT" },
  { name: "Little CMS", license: "MIT" },
];

interface Locked {
  readonly name?: string;
  readonly version?: string;
  readonly license?: string;
  readonly dev?: boolean;
}

const LOCKED: Readonly<Record<string, Locked>> = lock.packages;
const FOLDER = "node_modules/";

/** The packages of npm in these folders of node_modules. */
function npmParts(folders: readonly string[]): readonly Part[] {
  return folders.map((folder) => {
    const { name = folder, version, license = "NOASSERTION" } = LOCKED[`${FOLDER}${folder}`] ?? {};
    if (version === undefined) throw new Error(`package-lock.json does not have ${folder}`);
    return { name, version, license, purl: `pkg:npm/${name.replace("@", "%40")}@${version}` };
  });
}

/** CycloneDX 1.5, without times and numbers by chance: two builds have the same bytes. */
export function billOfMaterials(
  { runtime: { version, source, sha256 }, packages }: BuildRecord,
  crates: readonly Crate[],
): string {
  const component = ({ name, version, license, purl }: Part, type = "library"): Record<string, unknown> => ({
    type,
    name,
    ...(version === undefined ? {} : { version }),
    licenses: [{ expression: license }],
    ...(purl === undefined ? {} : { purl }),
  });
  const runtime = {
    ...component({ name: "deno", version, license: "MIT" }, "platform"),
    hashes: [{ alg: "SHA-256", content: sha256 }],
    properties: [{ name: "nvme-stas:source", value: `denort, ${source}` }],
    components: [
      ...RUNTIME_PARTS.map((part) => component(part)),
      // Their licenses are not in the program.
      ...crates.map((crate) => ({
        type: "library",
        ...crate,
        purl: `pkg:cargo/${crate.name}@${encodeURIComponent(crate.version)}`,
      })),
    ],
  };
  const bill = {
    bomFormat: "CycloneDX",
    specVersion: "1.5",
    version: 1,
    metadata: {
      component: component({ name: "nvme-stas", version: VERSION, license: "Apache-2.0" }, "application"),
    },
    components: [runtime, ...npmParts(packages).map((part) => component(part))],
  };
  return `${JSON.stringify(bill, undefined, 2)}\n`;
}

/** For people: what of others is in the program, and under which license. */
export function notices({ runtime, packages }: BuildRecord, crates: readonly Crate[]): string {
  const line = ({ name, version, license }: Part): string =>
    `  ${`${name}${version === undefined ? "" : ` ${version}`}`.padEnd(44)} ${license}`;
  return [
    `nvme-stas ${VERSION} contains work of others. Licenses are SPDX expressions.`,
    "",
    `Runtime: ${runtimeText(runtime)}`,
    line({ name: "Deno", version: runtime.version, license: "MIT" }),
    ...RUNTIME_PARTS.map(line),
    "",
    "Rust crates that the runtime's own texts name, each under the license in its Cargo.toml; Deno's Cargo.lock of that",
    "version names all:",
    ...crates.map(({ name, version }) => `  ${name} ${version}`),
    "",
    "Packages of npm:",
    ...npmParts(packages).map(line),
    "",
  ].join("\n");
}

/** debian/copyright with the parts of the built program; those of a source package are known when it is built. */
export function debianCopyright(template: string, record: BuildRecord, crates: readonly Crate[]): string {
  const line = ({ name, version = "", license }: Part): string =>
    `  * ${`${name} ${version}`.trim()}: ${license}`;
  const lines = [
    ` Runtime: ${runtimeText(record.runtime)}`,
    ...RUNTIME_PARTS.map(line),
    " Packages of npm:",
    ...npmParts(record.packages).map(line),
    " Rust crates that the runtime's own texts name, each under the license in its Cargo.toml:",
    ...crates.map(({ name, version }) => `  * ${name} ${version}`),
  ];
  return template.replace("@PARTS@", () => lines.join("\n"));
}
