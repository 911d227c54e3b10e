/** The pure rooms: no clock, timer, randomness, I/O or anything asynchronous, not even by name. */
import ts from "typescript";
import { lineOf, type Source, type Violation, walk } from "./rule.ts";
import { roomOf } from "./rooms.ts";

const IMPURE = new Map<string, string>([
  ...["Date", "performance", "Temporal"].map((name): [string, string] => [name, "a clock"]),
  ...["setTimeout", "setInterval", "setImmediate", "clearTimeout", "clearInterval", "queueMicrotask"]
    .map((name): [string, string] => [name, "a timer"]),
  ...["crypto"].map((name): [string, string] => [name, "randomness"]),
  ...[
    "Deno",
    "process",
    "console",
    "fetch",
    "Worker",
    "WebSocket",
    "EventSource",
    "BroadcastChannel",
    "navigator",
    "localStorage",
    "sessionStorage",
    "globalThis",
    "self",
    "window",
    "alert",
    "prompt",
    "confirm",
    "addEventListener",
    "eval",
  ].map((name): [string, string] => [name, "the outside world"]),
  ...["Promise", "AbortController", "AbortSignal"].map((name): [string, string] => [name, "asynchronous"]),
]);

/** What the compiler knows because the rooms that the page takes from run elsewhere, too. */
const NOT_IN_BROWSER = ["Deno", "process", "Buffer", "require"];

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
    } else if (isRandom(node)) say("randomness: Math.random");
    else if (node.kind === ts.SyntaxKind.AsyncKeyword) say("asynchronous: async");
    else if (ts.isAwaitExpression(node)) say("asynchronous: await");
    else if (ts.isForOfStatement(node) && node.awaitModifier) say("asynchronous: for await");
  });
  return found;
}
