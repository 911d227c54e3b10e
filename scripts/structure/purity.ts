/** The pure rooms: no clock, timer, randomness, I/O or anything asynchronous, not even by name. */
import ts from "typescript";
import { lineOf, type Source, type Violation, walk } from "./rule.ts";
import { IMPURE, NOT_IN_BROWSER, roomOf } from "./house.ts";

/** An identifier that only names a member, a property or a declaration of the file's own, not a global. */
function isMerelyAName(node: ts.Identifier): boolean {
  const { parent } = node;
  if (ts.isPropertyAccessExpression(parent)) return parent.name === node;
  if (ts.isQualifiedName(parent)) return parent.right === node;
  if (ts.isBindingElement(parent)) return parent.propertyName === node || parent.name === node;
  if (ts.isImportSpecifier(parent) || ts.isExportSpecifier(parent)) return true;
  return (ts.isPropertyAssignment(parent) || ts.isPropertySignature(parent) ||
    ts.isPropertyDeclaration(parent) ||
    ts.isMethodDeclaration(parent) || ts.isMethodSignature(parent) || ts.isEnumMember(parent) ||
    ts.isParameter(parent) || ts.isVariableDeclaration(parent) || ts.isFunctionDeclaration(parent) ||
    ts.isNamedTupleMember(parent)) && parent.name === node;
}

/** `Date.now`, `Date()` and `new Date()`; and the name as a value, which may be called anywhere. */
function isClock(node: ts.Identifier): boolean {
  const { parent } = node;
  if (ts.isTypeReferenceNode(parent)) return false;
  if (ts.isNewExpression(parent) && parent.expression === node) return (parent.arguments ?? []).length === 0;
  if (ts.isPropertyAccessExpression(parent) && parent.expression === node) {
    return !["UTC", "parse"].includes(parent.name.text);
  }
  return true;
}

function isRandom(node: ts.Node): boolean {
  return ts.isPropertyAccessExpression(node) && node.name.text === "random" &&
    ts.isIdentifier(node.expression) &&
    node.expression.text === "Math";
}

export function purity(source: Source): Violation[] {
  const room = roomOf(source.path);
  const found: Violation[] = [];
  if (room?.inBrowser === true) {
    walk(source.tree, (node) => {
      if (!ts.isIdentifier(node) || isMerelyAName(node) || !NOT_IN_BROWSER.includes(node.text)) return;
      const message = `${room.name} runs in a browser, which has no ${node.text}`;
      found.push({ path: source.path, line: lineOf(source, node), rule: "browser", message });
    });
  }
  if (room?.pure !== true) return found;
  walk(source.tree, (node) => {
    const say = (what: string) =>
      found.push({
        path: source.path,
        line: lineOf(source, node),
        rule: "pure",
        message: `${room.name} is pure, and this is ${what}`,
      });
    if (ts.isIdentifier(node) && !isMerelyAName(node)) {
      const why = IMPURE.get(node.text);
      if (why !== undefined) say(`${why}: ${node.text}`);
      else if (node.text === "Date" && isClock(node)) say("a clock: Date");
    } else if (isRandom(node)) say("randomness: Math.random");
    else if (node.kind === ts.SyntaxKind.AsyncKeyword) say("asynchronous: async");
    else if (ts.isAwaitExpression(node)) say("asynchronous: await");
    else if (ts.isForOfStatement(node) && node.awaitModifier) say("asynchronous: for await");
  });
  return found;
}
