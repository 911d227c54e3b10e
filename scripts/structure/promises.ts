/**
 * No promise left alone: an expression statement whose value is a promise must be awaited or caught. `void p` says
 * that p cannot fail: failures outside are values here, and a rejection is a bug, which ends the process.
 */
import ts from "typescript";
import { capture } from "../run.ts";
import type { Violation } from "./rule.ts";

const OPTIONS: ts.CompilerOptions = {
  allowImportingTsExtensions: true,
  jsx: ts.JsxEmit.ReactJSX,
  lib: ["lib.esnext.d.ts"],
  module: ts.ModuleKind.ESNext,
  moduleResolution: ts.ModuleResolutionKind.Bundler,
  noEmit: true,
  noLib: false,
  skipLibCheck: true,
  strict: true,
  target: ts.ScriptTarget.ESNext,
  types: ["node"],
};

function isThenable(checker: ts.TypeChecker, node: ts.Expression): boolean {
  const type = checker.getTypeAtLocation(node);
  const parts = type.isUnion() ? type.types : [type];
  return parts.some((part) => {
    const then = checker.getPropertyOfType(part, "then");
    return then !== undefined && checker.getTypeOfSymbolAtLocation(then, node).getCallSignatures().length > 0;
  });
}

/** `p.catch(f)` and `p.then(f, g)` deal with the failure; what `f` returns or throws is theirs. */
function isHandled(node: ts.Expression): boolean {
  if (!ts.isCallExpression(node) || !ts.isPropertyAccessExpression(node.expression)) return false;
  const { name, expression } = node.expression;
  if (name.text === "catch") return node.arguments.length > 0;
  if (name.text === "then") return node.arguments.length > 1;
  return name.text === "finally" && isHandled(expression);
}

/** Type-checks the files as one program and looks at every statement that is only an expression. */
export async function floatingPromises(paths: readonly string[]): Promise<Violation[]> {
  const dir = await Deno.makeTempDir({ prefix: "structure-" });
  try {
    const denoTypes = `${dir}/deno.d.ts`;
    await Deno.writeTextFile(denoTypes, await capture([Deno.execPath(), "types"]));
    const program = ts.createProgram([denoTypes, ...paths], OPTIONS);
    const checker = program.getTypeChecker();
    const found: Violation[] = [];
    for (const path of paths) {
      const tree = program.getSourceFile(path);
      if (tree === undefined) throw new Error(`${path}: cannot be read`);
      const visit = (node: ts.Node): void => {
        if (ts.isExpressionStatement(node)) {
          const { expression } = node;
          const alone = !ts.isAwaitExpression(expression) && !ts.isBinaryExpression(expression) &&
            isThenable(checker, expression);
          if (alone && !isHandled(expression)) {
            const { line } = tree.getLineAndCharacterOfPosition(node.getStart(tree));
            found.push({
              path,
              line: line + 1,
              rule: "promise",
              message: "a promise that nobody waits for or catches",
            });
          }
        }
        ts.forEachChild(node, visit);
      };
      visit(tree);
    }
    return found;
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}
