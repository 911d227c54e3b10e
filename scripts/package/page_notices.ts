/** Whose work is in the page of Cockpit, with the texts of its licenses: for people, and for Debian's copyright file. */
import lock from "../../package-lock.json" with { type: "json" };

const FOLDER = "node_modules";
const OFL = "packaging/cockpit/OFL-1.1";

/** A work that is no package of npm of its own, where its license is, and what contains it. */
const INSIDE = [
  {
    name: "popper-core",
    license: "MIT",
    file: `${FOLDER}/@patternfly/react-core/src/helpers/Popper/thirdparty/popper-core/LICENSE.md`,
  },
  {
    name: "react-popper",
    license: "MIT",
    file: `${FOLDER}/@patternfly/react-core/src/helpers/Popper/thirdparty/react-popper/LICENSE`,
  },
  { name: "Red Hat Text, Display and Mono (fonts)", license: "OFL-1.1", file: OFL },
  { name: "Font Awesome Free (font)", license: "OFL-1.1", file: OFL },
] as const;

/** Its license asks for a link, not for its text. */
const FONT_AWESOME_ICONS = "Font Awesome Free (icons), by Fonticons, Inc.: https://fontawesome.com, " +
  "https://creativecommons.org/licenses/by/4.0/";

const LICENSE_FILE = /^LICEN[CS]E(?:\.(?:md|txt))?$/i;
/** PatternFly's style sheets: the package has no file of its license, which is that of its sibling. */
const SAME_AS: Readonly<Record<string, string>> = { "@patternfly/patternfly": "@patternfly/react-core" };

async function licenseFile(name: string): Promise<string> {
  const folder = `${FOLDER}/${SAME_AS[name] ?? name}`;
  for await (const entry of Deno.readDir(folder)) {
    if (LICENSE_FILE.test(entry.name)) return `${folder}/${entry.name}`;
  }
  throw new Error(`${folder} has no license file: say in scripts/package/page_notices.ts what applies`);
}

/** `packages` are those of npm whose code is in the page. */
export async function pageNotices(packages: readonly string[]): Promise<string> {
  const known: Readonly<Record<string, { readonly version?: string; readonly license?: string }>> =
    lock.packages;
  const parts: readonly (readonly [name: string, license: string, file: string])[] = [
    ...await Promise.all(packages.map(async (name) => {
      const { version = "", license = "NOASSERTION" } = known[`${FOLDER}/${name}`] ?? {};
      return [`${name} ${version}`, license, await licenseFile(name)] as const;
    })),
    ...INSIDE.map(({ name, license, file }) => [name, license, file] as const),
  ];
  const byText = new Map<string, string[]>();
  for (const [name, , file] of parts) {
    const text = (await Deno.readTextFile(file)).replaceAll("\r\n", "\n").trim();
    byText.set(text, [...byText.get(text) ?? [], name]);
  }
  return [
    "The page of Cockpit contains work of others. Licenses are SPDX expressions; their texts follow.",
    "",
    ...parts.map(([name, license]) => `  ${name.padEnd(44)} ${license}`),
    `  ${"Font Awesome Free (icons)".padEnd(44)} CC-BY-4.0`,
    "",
    ...[...byText].flatMap(([text, names]) => ["-".repeat(72), names.join("\n"), "", text, ""]),
    "-".repeat(72),
    FONT_AWESOME_ICONS,
    "",
  ].join("\n");
}

export const fontLicense = (): Promise<string> => Deno.readTextFile(OFL);

/** Debian's file with the text of the fonts' license, in its form: an indent, and a dot for an empty line. */
export const debianCopyright = (template: string, fonts: string): string =>
  template.replace(
    "@OFL-1.1@",
    () => fonts.trim().split("\n").map((line) => line === "" ? " ." : ` ${line}`).join("\n"),
  );
