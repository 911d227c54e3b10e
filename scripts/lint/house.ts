/**
 * The house's rules as a plugin of `deno lint`, so that editors show them: which room may import which, and what pure
 * rooms do without. The structure check reads the same tables (scripts/structure/house.ts), and has the rules that need
 * more than one file.
 */
import { IMPURE, NOT_IN_BROWSER, roomOf, wrongImport } from "../structure/house.ts";

const ROOT = new URL("../../", import.meta.url).pathname;

/** The path in the repository; an editor, a test and the command line name files differently. */
const pathOf = (filename: string): string =>
  filename.startsWith(ROOT) ? filename.slice(ROOT.length) : filename.replace(/^\.\//, "");

type Context = Deno.lint.RuleContext;

/** An identifier that only names a member, a property or a declaration of the file's own, not a global. */
function isMerelyAName(node: Deno.lint.Identifier): boolean {
  const { parent } = node;
  switch (parent.type) {
    case "MemberExpression":
      return parent.property === node && !parent.computed;
    case "TSQualifiedName":
      return parent.right === node;
    case "Property":
      return parent.key === node && !parent.computed && !(parent.shorthand && isRead(parent));
    case "ImportSpecifier":
    case "ExportSpecifier":
    case "MethodDefinition":
    case "PropertyDefinition":
    case "TSPropertySignature":
    case "TSMethodSignature":
    case "TSEnumMember":
    case "VariableDeclarator":
    case "FunctionDeclaration":
      return !("init" in parent && parent.init === node);
    default:
      return isParameter(parent, node);
  }
}

/** `{ a }` as a value reads `a`; as a pattern it declares it. */
const isRead = ({ parent }: Deno.lint.Property): boolean => parent.type === "ObjectExpression";

function isParameter(parent: Deno.lint.Node, node: Deno.lint.Identifier): boolean {
  if (parent.type === "AssignmentPattern") return parent.left === node;
  const isFunction = parent.type === "ArrowFunctionExpression" || parent.type === "FunctionExpression" ||
    parent.type === "TSFunctionType";
  return isFunction && parent.params.some((one) => one === node);
}

/** `Date.now`, `Date()` and `new Date()`; and the name as a value, which may be called anywhere. */
function isClock(node: Deno.lint.Identifier): boolean {
  const { parent } = node;
  if (parent.type === "TSTypeReference") return false;
  if (parent.type === "NewExpression" && parent.callee === node) return parent.arguments.length === 0;
  if (parent.type === "MemberExpression" && parent.object === node) {
    return !(parent.property.type === "Identifier" && ["UTC", "parse"].includes(parent.property.name));
  }
  return true;
}

function direction(context: Context): Deno.lint.LintVisitor {
  const path = pathOf(context.filename);
  const look = (node: Deno.lint.Node, source: Deno.lint.Node | null): void => {
    if (source === null) return;
    const specifier = source.type === "Literal" && typeof source.value === "string" ? source.value : "";
    const message = wrongImport(path, specifier);
    if (message !== undefined) context.report({ node, message });
  };
  return {
    ImportDeclaration: (node) => look(node, node.source),
    ExportNamedDeclaration: (node) => look(node, node.source),
    ExportAllDeclaration: (node) => look(node, node.source),
    ImportExpression: (node) => look(node, node.source),
  };
}

function purity(context: Context): Deno.lint.LintVisitor {
  const room = roomOf(pathOf(context.filename));
  if (room === undefined) return {};
  const say = (node: Deno.lint.Node, what: string): void =>
    context.report({ node, message: `${room.name} is pure, and this is ${what}` });
  const asynchronous = (node: Deno.lint.Node & { readonly async?: boolean }): void => {
    if (node.async === true) say(node, "asynchronous: async");
  };
  return {
    Identifier: (node) => {
      if (isMerelyAName(node)) return;
      if (room.inBrowser === true && NOT_IN_BROWSER.includes(node.name)) {
        context.report({ node, message: `${room.name} runs in a browser, which has no ${node.name}` });
      }
      if (room.pure !== true) return;
      const why = IMPURE.get(node.name);
      if (why !== undefined) say(node, `${why}: ${node.name}`);
      else if (node.name === "Date" && isClock(node)) say(node, "a clock: Date");
    },
    ...(room.pure === true
      ? {
        'MemberExpression[object.name="Math"][property.name="random"]': (node: Deno.lint.Node) =>
          say(node, "randomness: Math.random"),
        AwaitExpression: (node) => say(node, "asynchronous: await"),
        "ForOfStatement[await=true]": (node: Deno.lint.Node) => say(node, "asynchronous: for await"),
        FunctionDeclaration: asynchronous,
        FunctionExpression: asynchronous,
        ArrowFunctionExpression: asynchronous,
      }
      : {}),
  };
}

const plugin: Deno.lint.Plugin = {
  name: "house",
  rules: { direction: { create: direction }, purity: { create: purity } },
};

export default plugin;
