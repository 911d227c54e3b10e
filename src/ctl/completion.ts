/** Completions for shells, from the same definitions that the command line is parsed with. */
import type { Argument, CommandUnknownOpts, Option } from "@commander-js/extra-typings";

export const SHELLS = ["bash", "zsh", "fish"] as const;
export type Shell = typeof SHELLS[number];

/** The script for one program; where it goes is told in its first line. */
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

/** What may stand for a value. */
type Values =
  | { readonly kind: "words"; readonly words: readonly string[] }
  | { readonly kind: "file" }
  /** Controllers that the daemon has now. */
  | { readonly kind: "controller" }
  | { readonly kind: "any" };

function valuesOf(choices: readonly string[] | undefined, name: string): Values {
  if (choices !== undefined) return { kind: "words", words: choices };
  return name === "file" ? { kind: "file" } : name === "what" ? { kind: "controller" } : { kind: "any" };
}

const ofOption = (option: Option): Values =>
  valuesOf(option.argChoices, /<(.*)>/.exec(option.flags)?.[1] ?? "");
const ofArgument = (argument: Argument): Values => valuesOf(argument.argChoices, argument.name());
const namesOf = (option: Option): readonly string[] =>
  [option.short, option.long].filter((name) => name !== undefined);
const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

function bash(program: CommandUnknownOpts): string {
  const name = program.name();
  const reply = (values: Values): string => {
    switch (values.kind) {
      case "words":
        return `COMPREPLY=($(compgen -W ${quoted(values.words.join(" "))} -- "$cur"))`;
      case "file":
        return `COMPREPLY=($(compgen -f -- "$cur"))`;
      case "controller":
        return `local IFS=$'\\n'; COMPREPLY=($(compgen -W "$(${name} ls -o name 2>/dev/null)" -- "$cur"))`;
      case "any":
        return "COMPREPLY=()";
    }
  };
  const optionCases = [program, ...program.commands].flatMap((command) =>
    command.options.filter((option) => option.required).map((option) => {
      const prefix = command === program ? "" : command.name();
      return `    ${namesOf(option).map((word) => quoted(`${prefix} ${word}`)).join("|")}) ${
        reply(ofOption(option))
      }; return ;;`;
    })
  );
  const commandCases = program.commands.map((command) => {
    const words = [...command.options.flatMap(namesOf), "-h", "--help"].join(" ");
    const [argument] = command.registeredArguments;
    const rest = argument === undefined
      ? ""
      : `; [[ $cur == -* ]] || { ${reply(ofArgument(argument))}; return; }`;
    return `    ${command.name()}) words=${quoted(words)}${rest} ;;`;
  });
  const top = [
    ...program.commands.map((command) => command.name()),
    ...program.options.flatMap(namesOf),
    "-h",
    "--help",
  ];
  return `# bash completion: /usr/share/bash-completion/completions/${name}
_${name}() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD-1]} cmd= words= i
  for ((i = 1; i < COMP_CWORD; i++)); do
    case \${COMP_WORDS[i]} in
      ${program.commands.map((command) => command.name()).join("|")}) cmd=\${COMP_WORDS[i]}; break ;;
    esac
  done
  case "$cmd $prev" in
${optionCases.join("\n")}
  esac
  case $cmd in
    '') words=${quoted(top.join(" "))} ;;
${commandCases.join("\n")}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$cur"))
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
      case "controller":
        return `{compadd -- \${(f)"$(${name} ls -o name 2>/dev/null)"}}`;
      case "any":
        return " ";
    }
  };
  const spec = (option: Option): readonly string[] =>
    namesOf(option).map((word) => {
      const value = option.required
        ? `:${zshText(/<(.*)>/.exec(option.flags)?.[1] ?? "value")}:${action(ofOption(option))}`
        : "";
      return quoted(`(${namesOf(option).join(" ")})${word}[${zshText(option.description)}]${value}`);
    });
  const HELP = [quoted("(-h --help)-h[show help]"), quoted("(-h --help)--help[show help]")];
  const cases = program.commands.map((command) => {
    const specs = [
      ...HELP,
      ...command.options.flatMap(spec),
      ...command.registeredArguments.map((argument, n) =>
        quoted(`${n + 1}:${zshText(argument.name())}:${action(ofArgument(argument))}`)
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
      case "controller":
        return ` -xa ${quoted(`(${name} ls -o name 2>/dev/null)`)}`;
      case "any":
        return " -x";
    }
  };
  const line = (condition: string, option: Option): string => {
    const short = option.short === undefined ? "" : ` -s ${option.short.slice(1)}`;
    const long = option.long === undefined ? "" : ` -l ${option.long.slice(2)}`;
    const value = option.required ? values(ofOption(option)) : "";
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
        `complete -c ${name} -n ${condition}${values(ofArgument(argument))}`
      ),
    ];
  });
  return `# fish completion: /usr/share/fish/vendor_completions.d/${name}.fish
complete -c ${name} -f
complete -c ${name} -s h -l help -d 'show help'
${[...program.options.map((option) => line("__fish_use_subcommand", option)), ...top, ...lines].join("\n")}
`;
}
