/** Small faults, made by operators on the syntax tree. A mutant is one edit of one file; whether it compiles is not asked. */
import ts from "typescript";
import { lineOf, type Source } from "../../scripts/structure/rule.ts";

export interface Mutant {
  readonly path: string;
  /** 1-based. */
  readonly line: number;
  readonly operator: string;
  /** What is replaced, as offsets in the text. */
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

const K = ts.SyntaxKind;

/** A comparison and its opposite; an order also with its border moved. */
const TURNED: ReadonlyMap<ts.SyntaxKind, readonly string[]> = new Map([
  [K.EqualsEqualsEqualsToken, ["!=="]],
  [K.ExclamationEqualsEqualsToken, ["==="]],
  [K.LessThanToken, [">=", "<="]],
  [K.LessThanEqualsToken, [">", "<"]],
  [K.GreaterThanToken, ["<=", ">="]],
  [K.GreaterThanEqualsToken, ["<", ">"]],
]);

/** Nothing is changed in types, imports and messages of what cannot happen. */
function isLeftOut(node: ts.Node): boolean {
  return ts.isTypeNode(node) || ts.isImportDeclaration(node) || ts.isInterfaceDeclaration(node) ||
    ts.isTypeAliasDeclaration(node) || ts.isThrowStatement(node);
}

function returnsNothing(node: ts.FunctionLikeDeclaration): boolean {
  return node.type?.kind === K.VoidKeyword;
}

export function mutantsOf(source: Source): Mutant[] {
  const found: Mutant[] = [];
  const { tree, path } = source;
  const put = (operator: string, node: ts.Node, text: string, start = node.getStart(tree), end = node.end) =>
    void found.push({ path, line: lineOf(source, node), operator, start, end, text });
  const textOf = (node: ts.Node): string => node.getText(tree);

  const binary = (node: ts.BinaryExpression): void => {
    const { operatorToken, left, right } = node;
    for (const other of TURNED.get(operatorToken.kind) ?? []) put("comparison turned", operatorToken, other);
    const isJunction = operatorToken.kind === K.AmpersandAmpersandToken ||
      operatorToken.kind === K.BarBarToken;
    if (isJunction) {
      put("condition dropped", node, textOf(left));
      put("condition dropped", node, textOf(right));
    }
    if (operatorToken.kind === K.QuestionQuestionToken) put("default taken always", node, textOf(right));
    if (operatorToken.kind === K.PlusToken || operatorToken.kind === K.MinusToken) {
      const isText = ts.isStringLiteralLike(left) || ts.isStringLiteralLike(right) ||
        ts.isTemplateExpression(left) || ts.isTemplateExpression(right);
      if (!isText) put("sign turned", operatorToken, operatorToken.kind === K.PlusToken ? "-" : "+");
    }
  };

  const visit = (node: ts.Node): void => {
    if (isLeftOut(node)) return;
    if (ts.isBinaryExpression(node)) binary(node);
    else if (ts.isIfStatement(node)) {
      put("condition dropped", node.expression, "true");
      put("condition dropped", node.expression, "false");
    } else if (ts.isConditionalExpression(node)) {
      put("branch taken always", node, textOf(node.whenTrue));
      put("branch taken always", node, textOf(node.whenFalse));
    } else if (ts.isPrefixUnaryExpression(node) && node.operator === K.ExclamationToken) {
      put("negation dropped", node, textOf(node.operand));
    } else if (ts.isNumericLiteral(node)) {
      put("constant moved", node, String(Number(node.text.replaceAll("_", "")) + 1));
    } else if (node.kind === K.TrueKeyword) put("constant turned", node, "false");
    else if (node.kind === K.FalseKeyword) put("constant turned", node, "true");
    else if (ts.isCaseClause(node) && node.statements.length > 0) {
      const [first] = node.statements;
      if (first !== undefined) put("case removed", node, "break;", first.getStart(tree), node.end);
    } else if (ts.isExpressionStatement(node)) put("statement dropped", node, ";");
    else if (ts.isFunctionLike(node) && "body" in node && node.body !== undefined && ts.isBlock(node.body)) {
      const [first] = node.body.statements;
      if (first !== undefined && returnsNothing(node)) {
        put("return early", node.body, "return; ", first.getStart(tree), first.getStart(tree));
      }
    }
    ts.forEachChild(node, visit);
  };
  ts.forEachChild(tree, visit);
  return found;
}

/** The file with the fault in it. */
export const mutated = (text: string, { start, end, text: other }: Mutant): string =>
  text.slice(0, start) + other + text.slice(end);

/** The lines that differ, as a person reads them. */
export function difference(before: string, after: string): string {
  const [old, now] = [before.split("\n"), after.split("\n")];
  let from = 0;
  while (from < old.length && old[from] === now[from]) from++;
  let back = 0;
  while (back < Math.min(old.length, now.length) - from && old.at(-1 - back) === now.at(-1 - back)) back++;
  return [
    ...old.slice(from, old.length - back).map((line) => `- ${line}`),
    ...now.slice(from, now.length - back).map((line) => `+ ${line}`),
  ].join("\n");
}
