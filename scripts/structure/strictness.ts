/** Ways past the type checker or around an error, and comments that switch a check off. */
import ts from "typescript";
import { lineOf, type Source, type Violation, walk } from "./rule.ts";

/** Built from parts, so that this file is not found by its own rule. */
const SWITCHES = ["@ts-" + "ignore", "@ts-" + "expect-error", "@ts-" + "nocheck", "deno-lint-" + "ignore"];
const UNFINISHED = new RegExp(`\\b(${["TO" + "DO", "FIX" + "ME", "X" + "XX"].join("|")})\\b`);

function isConst(type: ts.TypeNode): boolean {
  return ts.isTypeReferenceNode(type) && ts.isIdentifier(type.typeName) && type.typeName.text === "const";
}

/** `() => {}`, `function () {}` and `() => undefined` with nothing in them. */
function doesNothing(node: ts.Expression): boolean {
  if (!ts.isArrowFunction(node) && !ts.isFunctionExpression(node)) return false;
  const { body } = node;
  if (ts.isBlock(body)) return body.statements.length === 0;
  return ts.isIdentifier(body) && body.text === "undefined" || body.kind === ts.SyntaxKind.NullKeyword;
}

function problemOf(node: ts.Node): string | undefined {
  if (ts.isAsExpression(node) && !isConst(node.type)) {
    return "a cast past the checker (only `as const` is allowed)";
  }
  if (ts.isTypeAssertionExpression(node)) return "a cast past the checker";
  if (ts.isNonNullExpression(node)) return "a non-null assertion";
  if ((ts.isPropertyDeclaration(node) || ts.isVariableDeclaration(node)) && node.exclamationToken) {
    return "a definite assignment assertion";
  }
  if (node.kind === ts.SyntaxKind.AnyKeyword) return "any";
  if (ts.isCatchClause(node) && node.block.statements.length === 0) return "a catch that swallows";
  if (
    ts.isCallExpression(node) && ts.isPropertyAccessExpression(node.expression) &&
    node.expression.name.text === "catch" && node.arguments.some(doesNothing)
  ) return "a catch that swallows";
  return undefined;
}

export function strictness(source: Source): Violation[] {
  const found: Violation[] = [];
  walk(source.tree, (node) => {
    const problem = problemOf(node);
    if (problem !== undefined) {
      found.push({ path: source.path, line: lineOf(source, node), rule: "strict", message: problem });
    }
  });
  source.text.split("\n").forEach((text, index) => {
    const comment = /(\/\/|\/?\*).*$/.exec(text)?.[0] ?? "";
    for (const word of SWITCHES) {
      if (comment.includes(word)) {
        found.push({
          path: source.path,
          line: index + 1,
          rule: "strict",
          message: `${word} switches a check off`,
        });
      }
    }
    const unfinished = UNFINISHED.exec(comment)?.[1];
    if (unfinished !== undefined) {
      found.push({
        path: source.path,
        line: index + 1,
        rule: "finished",
        message: `${unfinished}: finish it`,
      });
    }
  });
  return found;
}
