/** Completions for shells, from the same definitions that the command line is parsed with. */
import type { Argument, CommandUnknownOpts, Option } from "@commander-js/extra-typings";

export const SHELLS = ["bash", "zsh", "fish"] as const;
export type Shell = typeof SHELLS[number];

/** The script for one program; its first line names the place where it belongs. */
export function completionScript(program: CommandUnknownOpts, shell: Shell): string {
  switch (shell) {
    case "bash":
      return bash(program);
    case "zsh":
      return zsh(program);
    case "fish":
      return fish(program);
  }
}

/** The possible forms of a value. */
type Values =
  | { readonly kind: "words"; readonly words: readonly string[] }
  | { readonly kind: "file" }
  /** The present output of a command, one name a line: controllers or interfaces. */
  | { readonly kind: "lines"; readonly command: string }
  | { readonly kind: "any" };

/** Chosen by the name of the value in the definition. */
function valuesOf(program: string, choices: readonly string[] | undefined, name: string): Values {
  if (choices !== undefined) return { kind: "words", words: choices };
  switch (name) {
    case "file":
      return { kind: "file" };
    case "what":
    case "glob":
      return { kind: "lines", command: `${program} completion names 2>/dev/null` };
    case "dc":
      return { kind: "lines", command: "stafctl completion names 2>/dev/null" };
    case "moment":
      return { kind: "words", words: ["today", "yesterday", "-1h", "-1d"] };
    case "interface":
      return { kind: "lines", command: "ls /sys/class/net 2>/dev/null" };
    default:
      return { kind: "any" };
  }
}

const nameOfValue = ({ flags }: Option): string => /<([^.>]*)/.exec(flags)?.[1] ?? "value";
const ofOption = (program: string, option: Option): Values =>
  valuesOf(program, option.argChoices, nameOfValue(option));
const ofArgument = (program: string, argument: Argument): Values =>
  valuesOf(program, argument.argChoices, argument.name());
const namesOf = (option: Option): readonly string[] =>
  [option.short, option.long].filter((name) => name !== undefined);
const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

function bash(program: CommandUnknownOpts): string {
  const name = program.name();
  const reply = (values: Values): string => {
    switch (values.kind) {
      case "words":
        return `_${name}_reply ${values.words.map(quoted).join(" ")}`;
      case "file":
        return `_${name}_files`;
      case "lines":
        return `mapfile -t words < <(${values.command}); _${name}_reply "\${words[@]}"`;
      case "any":
        return ":";
    }
  };
  const optionCases = [program, ...program.commands].flatMap((command) =>
    command.options.filter((option) => option.required).map((option) => {
      const prefix = command === program ? "" : command.name();
      return `    ${namesOf(option).map((word) => quoted(`${prefix} ${word}`)).join("|")}) ${
        reply(ofOption(name, option))
      }; return ;;`;
    })
  );
  const commandCases = program.commands.map((command) => {
    const words = [...command.options.flatMap(namesOf), "-h", "--help"].map(quoted).join(" ");
    const [argument] = command.registeredArguments;
    const rest = argument === undefined
      ? ""
      : ` [[ $cur == -* ]] || { ${reply(ofArgument(name, argument))}; return; };`;
    return `    ${command.name()})${rest} words=(${words}) ;;`;
  });
  const top = [
    ...program.commands.map((command) => command.name()),
    ...program.options.flatMap(namesOf),
    "-h",
    "--help",
  ].map(quoted).join(" ");
  return `# bash completion: /usr/share/bash-completion/completions/${name}
# Of these words, those that begin as the one that is typed. What readline has split off it (at : and =) is left out, and what
# a shell would take for more than a name is quoted.
_${name}_reply() {
  local word
  for word; do
    [[ $word == "$cur"* ]] || continue
    printf -v word %q "\${word#"$head"}"
    COMPREPLY+=("$word")
  done
}
_${name}_files() {
  local file
  while IFS= read -r file; do
    [[ -d $file ]] && { file+=/; compopt -o nospace 2>/dev/null; }
    _${name}_reply "$file"
  done < <(compgen -f -- "$cur")
}
_${name}() {
  local line=\${COMP_LINE:0:COMP_POINT} raw= cur= prev= cmd= head= breaks= i
  local -a args raws words=()
  COMPREPLY=()
  # As it was typed, and with backslashes taken as they are meant.
  read -ra raws <<<"$line"
  read -a args <<<"$line"
  [[ $line == *[[:space:]] ]] && { args+=(''); raws+=(''); }
  cur=\${args[-1]} raw=\${raws[-1]} prev=\${args[-2]}
  for ((i = 1; i < \${#args[@]} - 1; i++)); do
    case \${args[i]} in
      ${program.commands.map((command) => command.name()).join("|")}) cmd=\${args[i]}; break ;;
    esac
  done
  [[ $COMP_WORDBREAKS == *:* ]] && breaks+=:
  [[ $COMP_WORDBREAKS == *=* ]] && breaks+='='
  if [[ -n $breaks ]]; then
    # A : behind a backslash splits nothing.
    i=\${raw//\\\\?/xx}
    i=\${i%"\${i##*[$breaks]}"}
    head=\${raw:0:\${#i}}
    head=\${head//\\\\/}
  fi
  if [[ $cur == --*=* ]]; then
    prev=\${cur%%=*} cur=\${cur#*=} head=\${head#*=}
  fi
  case "$cmd $prev" in
${optionCases.join("\n")}
  esac
  case $cmd in
    '') words=(${top}) ;;
${commandCases.join("\n")}
  esac
  _${name}_reply "\${words[@]}"
}
complete -F _${name} ${name}
`;
}

/** For zsh's _arguments: colons and brackets end a description. */
const zshText = (text: string): string => text.replaceAll(/[:[\]]/g, (char) => `\\${char}`);

function zsh(program: CommandUnknownOpts): string {
  const name = program.name();
  const action = (values: Values): string => {
    switch (values.kind) {
      case "words":
        return `(${values.words.join(" ")})`;
      case "file":
        return "_files";
      case "lines":
        return `{compadd -- \${(f)"$(${values.command})"}}`;
      case "any":
        return " ";
    }
  };
  const spec = (option: Option): readonly string[] =>
    namesOf(option).map((word) => {
      const value = option.required
        ? `:${zshText(nameOfValue(option))}:${action(ofOption(name, option))}`
        : "";
      // With = the value may be in the same word, too.
      const equals = option.required && word.startsWith("--") ? "=" : "";
      return quoted(
        `(${namesOf(option).join(" ")})${word}${equals}[${zshText(option.description)}]${value}`,
      );
    });
  const HELP = [quoted("(-h --help)-h[show help]"), quoted("(-h --help)--help[show help]")];
  const cases = program.commands.map((command) => {
    const specs = [
      ...HELP,
      ...command.options.flatMap(spec),
      ...command.registeredArguments.map((argument, n) =>
        quoted(`${n + 1}:${zshText(argument.name())}:${action(ofArgument(name, argument))}`)
      ),
    ];
    return `        ${command.name()}) _arguments ${specs.join(" ")} ;;`;
  });
  return `#compdef ${name}
# zsh completion: /usr/share/zsh/vendor-completions/_${name}
_${name}() {
  local context state line
  local -a commands=(
${
    program.commands.map((command) => `    ${quoted(`${command.name()}:${zshText(command.description())}`)}`)
      .join("\n")
  }
  )
  _arguments -C ${[...HELP, ...program.options.flatMap(spec)].join(" ")} '1: :->command' '*:: :->rest'
  case $state in
    command) _describe command commands ;;
    rest)
      case $line[1] in
${cases.join("\n")}
      esac ;;
  esac
}
_${name} "$@"
`;
}

function fish(program: CommandUnknownOpts): string {
  const name = program.name();
  const values = (from: Values): string => {
    switch (from.kind) {
      case "words":
        return ` -xa ${quoted(from.words.join(" "))}`;
      case "file":
        return " -rF";
      case "lines":
        return ` -xa ${quoted(`(${from.command})`)}`;
      case "any":
        return " -x";
    }
  };
  const line = (condition: string, option: Option): string => {
    const short = option.short === undefined ? "" : ` -s ${option.short.slice(1)}`;
    const long = option.long === undefined ? "" : ` -l ${option.long.slice(2)}`;
    const value = option.required ? values(ofOption(name, option)) : "";
    return `complete -c ${name} -n ${condition}${short}${long}${value} -d ${quoted(option.description)}`;
  };
  const top = program.commands.map((command) =>
    `complete -c ${name} -n __fish_use_subcommand -a ${command.name()} -d ${quoted(command.description())}`
  );
  const lines = program.commands.flatMap((command) => {
    const condition = quoted(`__fish_seen_subcommand_from ${command.name()}`);
    return [
      ...command.options.map((option) => line(condition, option)),
      ...command.registeredArguments.map((argument) =>
        `complete -c ${name} -n ${condition}${values(ofArgument(name, argument))}`
      ),
    ];
  });
  return `# fish completion: /usr/share/fish/vendor_completions.d/${name}.fish
complete -c ${name} -f
complete -c ${name} -s h -l help -d 'show help'
${[...program.options.map((option) => line("__fish_use_subcommand", option)), ...top, ...lines].join("\n")}
`;
}
