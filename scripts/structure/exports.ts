/**
 * Exports without a use: another file of the product takes the name, or it needs no export. What only tests use is dead,
 * unless its own file uses it, too: a test of code that never runs proves nothing of the code that does.
 */
import ts from "typescript";
import { resolveImport } from "./house.ts";
import { lineOf, type Source, type Violation, walk } from "./rule.ts";

const PRODUCT = "src/";
const TESTS = "tests/";
/** The simulated fabric exists for tests. */
const FOR_TESTS = "src/lib/sim/";
/** "path name" of what only a test reads, and why. */
const EXCEPTIONS: ReadonlyMap<string, string> = new Map([
  ["src/lib/core/retry.ts WAITS", "the manual's table of waits, which a test holds against the page"],
  ["src/lib/core/retry.ts PACES", "the manual's table of times, which a test holds against the page"],
]);

interface Exported {
  readonly name: string;
  readonly node: ts.Node;
  /** An interface or a type: it may be exported for the signature that it belongs to. */
  readonly isType: boolean;
}

function isExported(node: ts.Node): boolean {
  return ts.canHaveModifiers(node) &&
    (ts.getModifiers(node)?.some((modifier) => modifier.kind === ts.SyntaxKind.ExportKeyword) ?? false);
}

function exportsOf(source: Source): Exported[] {
  const found: Exported[] = [];
  for (const statement of source.tree.statements) {
    if (!isExported(statement)) continue;
    if (ts.isVariableStatement(statement)) {
      for (const { name } of statement.declarationList.declarations) {
        walk(name, (node) => {
          if (ts.isIdentifier(node)) found.push({ name: node.text, node, isType: false });
        });
      }
    } else if (
      (ts.isFunctionDeclaration(statement) || ts.isClassDeclaration(statement) ||
        ts.isInterfaceDeclaration(statement) || ts.isTypeAliasDeclaration(statement) ||
        ts.isEnumDeclaration(statement)) && statement.name !== undefined
    ) {
      const isType = ts.isInterfaceDeclaration(statement) || ts.isTypeAliasDeclaration(statement);
      found.push({ name: statement.name.text, node: statement.name, isType });
    }
  }
  return found;
}

/** "path name" of all that a file takes from others; "path *" when it takes the whole module. */
function takenBy(source: Source): string[] {
  const found: string[] = [];
  const take = (specifier: string, names: readonly string[]): void => {
    const path = resolveImport(source.path, specifier);
    if (path !== undefined) found.push(...names.map((name) => `${path} ${name}`));
  };
  const original = (element: ts.ImportSpecifier | ts.ExportSpecifier): string =>
    (element.propertyName ?? element.name).text;
  walk(source.tree, (node) => {
    if (ts.isImportDeclaration(node) && ts.isStringLiteral(node.moduleSpecifier)) {
      const bindings = node.importClause?.namedBindings;
      const names = bindings !== undefined && ts.isNamedImports(bindings)
        ? bindings.elements.map(original)
        : bindings === undefined
        ? []
        : ["*"];
      take(node.moduleSpecifier.text, names);
    } else if (
      ts.isExportDeclaration(node) && node.moduleSpecifier && ts.isStringLiteral(node.moduleSpecifier)
    ) {
      const names = node.exportClause !== undefined && ts.isNamedExports(node.exportClause)
        ? node.exportClause.elements.map(original)
        : ["*"];
      take(node.moduleSpecifier.text, names);
    } else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) {
      const { literal } = node.argument;
      if (ts.isStringLiteral(literal)) take(literal.text, ["*"]);
    } else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
      const [argument] = node.arguments;
      if (argument !== undefined && ts.isStringLiteralLike(argument)) take(argument.text, ["*"]);
    }
  });
  return found;
}

function usesInside(source: Source, name: string): number {
  let count = 0;
  walk(source.tree, (node) => {
    if (ts.isIdentifier(node) && node.text === name) count++;
  });
  return count;
}

export function deadExports(sources: readonly Source[]): Violation[] {
  const taken = new Set<string>();
  const takenByTests = new Set<string>();
  for (const source of sources) {
    const into = source.path.startsWith(TESTS) ? takenByTests : taken;
    for (const use of takenBy(source)) into.add(use);
  }
  const has = (uses: ReadonlySet<string>, path: string, name: string) =>
    uses.has(`${path} ${name}`) || uses.has(`${path} *`);
  const found: Violation[] = [];
  for (const source of sources.filter(({ path }) => path.startsWith(PRODUCT))) {
    for (const { name, node, isType } of exportsOf(source)) {
      if (has(taken, source.path, name) || EXCEPTIONS.has(`${source.path} ${name}`)) continue;
      const isUsedInside = usesInside(source, name) > 1;
      const isTested = has(takenByTests, source.path, name);
      if (isUsedInside && (isType || isTested)) continue;
      if (isTested && source.path.startsWith(FOR_TESTS)) continue;
      const message = isUsedInside
        ? `no other file uses "${name}": it needs no export`
        : isTested
        ? `only tests use "${name}": delete it, or move it to the tests`
        : `nothing uses "${name}": delete it`;
      found.push({ path: source.path, line: lineOf(source, node), rule: "dead", message });
    }
  }
  return found;
}
