/** Long options may be cut as long as they stay unambiguous (CLI-1): `--det` is `--detailed`. */
import type { CommandUnknownOpts, Option } from "@commander-js/extra-typings";

export type Expanded =
  | { readonly ok: true; readonly args: readonly string[] }
  | { readonly ok: false; readonly command: CommandUnknownOpts; readonly message: string };

/**
 * The arguments with all long options written out. Unknown options stay as they are; the parser refuses them.
 */
export function expandAbbreviations(program: CommandUnknownOpts, args: readonly string[]): Expanded {
  const expanded: string[] = [];
  let command = program;
  for (let n = 0; n < args.length; n++) {
    const arg = args[n] ?? "";
    if (arg === "--") return { ok: true, args: [...expanded, ...args.slice(n)] };
    if (!arg.startsWith("-") || arg === "-") {
      expanded.push(arg);
      command = command.commands.find((sub) => sub.name() === arg) ?? command;
      continue;
    }
    const option = arg.startsWith("--") ? longOption(command, arg) : shortOption(command, arg);
    if (option.kind === "ambiguous") {
      const message = `ambiguous option: ${arg} could be ${option.names.join(", ")}`;
      return { ok: false, command, message };
    }
    expanded.push(option.text);
    // The next argument is this option's value, whatever it looks like.
    if (option.kind === "known" && option.takesNext && n + 1 < args.length) expanded.push(args[++n] ?? "");
  }
  return { ok: true, args: expanded };
}

/**
 * Options of `ls` and `adlp` in the original: abbreviations that were unambiguous there stay valid despite
 * newer options.
 */
const ORIGINAL: ReadonlySet<string> = new Set(["--detailed", "--help"]);

type Found =
  | { readonly kind: "known"; readonly text: string; readonly takesNext: boolean }
  | { readonly kind: "unknown"; readonly text: string }
  | { readonly kind: "ambiguous"; readonly names: readonly string[] };

function longOption(command: CommandUnknownOpts, arg: string): Found {
  const equals = arg.indexOf("=");
  const name = equals < 0 ? arg : arg.slice(0, equals);
  const value = equals < 0 ? "" : arg.slice(equals);
  const names = [...command.options.flatMap((option) => option.long ?? []), "--help"];
  const meant = names.includes(name) ? [name] : names.filter((long) => long.startsWith(name));
  const older = meant.filter((long) => ORIGINAL.has(long));
  const fits = older.length === 1 ? older : meant;
  const [only, ...others] = fits;
  if (only === undefined) return { kind: "unknown", text: arg };
  if (others.length > 0) return { kind: "ambiguous", names: fits };
  const option = command.options.find(({ long }) => long === only);
  return { kind: "known", text: only + value, takesNext: equals < 0 && takesValue(option) };
}

function shortOption(command: CommandUnknownOpts, arg: string): Found {
  const option = command.options.find(({ short }) => short === arg.slice(0, 2));
  return { kind: "known", text: arg, takesNext: arg.length === 2 && takesValue(option) };
}

const takesValue = (option: Option | undefined): boolean => option?.required === true;
