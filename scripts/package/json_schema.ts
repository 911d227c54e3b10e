/**
 * JSON Schema (2020-12) of what is printed and published, from the TypeScript types that the programs are compiled with. Only
 * types that JSON can have are understood; for others it throws.
 */
import ts from "typescript";
import { type Bundle, BUNDLES, SCHEMA_FOLDER } from "./schema_bundles.ts";

/** A schema, or a part of one. */
export type Schema = { readonly [key: string]: unknown };

type Declared = ts.InterfaceDeclaration | ts.TypeAliasDeclaration;

class Types {
  readonly #declared = new Map<string, Declared>();
  /** Constants, whose types are their values. */
  readonly #constants = new Map<string, ts.Expression>();
  readonly defs = new Map<string, Schema>();

  constructor(sources: readonly string[]) {
    for (const path of sources) {
      const tree = ts.createSourceFile(path, Deno.readTextFileSync(path), ts.ScriptTarget.Latest, true);
      for (const node of tree.statements) {
        if (ts.isInterfaceDeclaration(node) || ts.isTypeAliasDeclaration(node)) {
          this.#declared.set(node.name.text, node);
        } else if (ts.isVariableStatement(node)) {
          for (const { name, initializer } of node.declarationList.declarations) {
            if (ts.isIdentifier(name) && initializer !== undefined) {
              this.#constants.set(name.text, initializer);
            }
          }
        }
      }
    }
  }

  #find(name: string): Declared {
    const found = this.#declared.get(name);
    if (found === undefined) throw new Error(`no type ${name} in the sources`);
    return found;
  }

  /** The members of a union of named types. */
  members(name: string): readonly string[] {
    const node = this.#find(name);
    if (!ts.isTypeAliasDeclaration(node) || !ts.isUnionTypeNode(node.type)) {
      throw new Error(`${name} is not a union`);
    }
    return node.type.types.map((type) => type.getText());
  }

  /** The literal that a member of an interface has. */
  literal(name: string, member: string): string {
    const { const: value } = this.#member(name, member);
    if (typeof value !== "string") throw new Error(`${name}.${member} is not one text`);
    return value;
  }

  #member(name: string, member: string): Schema {
    const node = this.#find(name);
    const found = ts.isInterfaceDeclaration(node)
      ? node.members.find((one) => ts.isPropertySignature(one) && nameOf(one) === member)
      : undefined;
    if (found === undefined || !ts.isPropertySignature(found)) throw new Error(`${name} has no ${member}`);
    return this.#of(found.type);
  }

  /** A reference to a type, which is defined with it. */
  ref(name: string): Schema {
    const short = shortName(name);
    if (!this.defs.has(short)) {
      // First of all its place: types may refer to themselves.
      this.defs.set(short, {});
      this.defs.set(short, this.declared(name));
    }
    return { $ref: `#/$defs/${short}` };
  }

  declared(name: string): Schema {
    const node = this.#find(name);
    const body = ts.isInterfaceDeclaration(node) ? this.#interface(node) : this.#of(node.type);
    return { ...described(node), ...body };
  }

  #interface(node: ts.InterfaceDeclaration): Schema {
    const inherited = (node.heritageClauses ?? []).flatMap(({ types }) =>
      types.flatMap(({ expression }) => {
        const base = this.#find(expression.getText());
        if (!ts.isInterfaceDeclaration(base)) throw new Error(`${expression.getText()} is not an interface`);
        return [...base.members];
      })
    );
    return this.#object([...inherited, ...node.members]);
  }

  #object(members: readonly ts.TypeElement[]): Schema {
    const properties: Record<string, Schema> = {};
    const required: string[] = [];
    for (const member of members) {
      if (!ts.isPropertySignature(member)) throw new Error(`${member.getText()}: not a property`);
      const name = nameOf(member);
      properties[name] = { ...described(member), ...this.#of(member.type) };
      if (member.questionToken === undefined) required.push(name);
    }
    return { type: "object", properties, required };
  }

  #of(type: ts.TypeNode | undefined): Schema {
    if (type === undefined) throw new Error("a member without a type");
    switch (type.kind) {
      case ts.SyntaxKind.StringKeyword:
        return { type: "string" };
      case ts.SyntaxKind.NumberKeyword:
        return { type: "number" };
      case ts.SyntaxKind.BooleanKeyword:
        return { type: "boolean" };
    }
    if (ts.isParenthesizedTypeNode(type)) return this.#of(type.type);
    if (ts.isTypeOperatorNode(type)) return this.#of(type.type);
    if (ts.isArrayTypeNode(type)) return { type: "array", items: this.#of(type.elementType) };
    if (ts.isTypeLiteralNode(type)) return this.#object([...type.members]);
    if (ts.isLiteralTypeNode(type)) return literal(type.literal);
    if (ts.isUnionTypeNode(type)) return union(type.types.map((one) => this.#of(one)));
    if (ts.isTypeQueryNode(type)) return this.#constant(type.exprName.getText());
    if (ts.isIndexedAccessTypeNode(type)) return this.#indexed(type);
    if (ts.isTypeReferenceNode(type)) {
      const name = type.typeName.getText();
      const [first, second] = type.typeArguments ?? [];
      if (name === "Readonly") return this.#of(first);
      if (name === "Record") return { type: "object", additionalProperties: this.#of(second) };
      return this.ref(name);
    }
    throw new Error(`${type.getText()} has no schema`);
  }

  #indexed({ objectType, indexType }: ts.IndexedAccessTypeNode): Schema {
    if (ts.isTypeQueryNode(objectType)) {
      const list = this.#constants.get(objectType.exprName.getText());
      const words = list !== undefined && ts.isAsExpression(list) ? list.expression : list;
      if (words === undefined || !ts.isArrayLiteralExpression(words)) {
        throw new Error(`${objectType.getText()} is not a list`);
      }
      return union(words.elements.map(literal));
    }
    if (ts.isLiteralTypeNode(indexType) && ts.isStringLiteral(indexType.literal)) {
      return this.#member(objectType.getText(), indexType.literal.text);
    }
    throw new Error(`${objectType.getText()}[...] has no schema`);
  }

  #constant(name: string): Schema {
    const value = this.#constants.get(name);
    if (value === undefined) throw new Error(`no constant ${name} in the sources`);
    return literal(value);
  }
}

const nameOf = (member: ts.PropertySignature): string =>
  ts.isStringLiteral(member.name) ? member.name.text : member.name.getText();

/** Of `V2Controller` the version is said by the whole. */
const shortName = (name: string): string => name.replace(/^V[12](?=[A-Z])/, "");

function literal(node: ts.Node): Schema {
  if (ts.isStringLiteral(node)) return { const: node.text };
  if (ts.isNumericLiteral(node)) return { const: Number(node.text) };
  switch (node.kind) {
    case ts.SyntaxKind.NullKeyword:
      return { type: "null" };
    case ts.SyntaxKind.TrueKeyword:
      return { const: true };
    case ts.SyntaxKind.FalseKeyword:
      return { const: false };
    default:
      throw new Error(`${node.getText()} is not a literal`);
  }
}

function union(parts: readonly Schema[]): Schema {
  const words = parts.flatMap((part) =>
    "const" in part ? [part["const"]] : Array.isArray(part["enum"]) ? part["enum"] : []
  );
  return words.length === parts.length ? { enum: words } : { anyOf: parts };
}

/** The comment above a declaration; links become names. */
function described(node: ts.Node): Schema {
  const doc = ts.getJSDocCommentsAndTags(node).find(ts.isJSDoc);
  const text = ts.getTextOfJSDocComment(doc?.comment);
  return text === undefined ? {} : {
    description: text.replaceAll(/\{@link (\w+)\}/g, (_, name: string) => shortName(name)).replaceAll(
      "\n",
      " ",
    ),
  };
}

/** The text of a bundle's file. */
export function schemaText({ id, title, sources, documents }: Bundle): string {
  const types = new Types(sources);
  const named = documents === undefined
    ? types.members("V2Output").map((type) => [types.literal(type, "output"), type] as const)
    : Object.entries(documents);
  const documentDefs = named.map(([name, type]) => [name, types.declared(type)] as const);
  const schema = {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    $id: id,
    title,
    description: `All times are milliseconds since 1970. Documents: ${
      named.map(([name]) => name).join(", ")
    }.`,
    // A document of schema 2 says which one it is.
    ...(documents === undefined ? { anyOf: named.map(([name]) => ({ $ref: `#/$defs/${name}` })) } : {}),
    $defs: Object.fromEntries([...documentDefs, ...types.defs]),
  };
  return `${JSON.stringify(schema, undefined, 2)}\n`;
}

if (import.meta.main) {
  await Deno.mkdir(SCHEMA_FOLDER, { recursive: true });
  for (const [name, bundle] of Object.entries(BUNDLES)) {
    await Deno.writeTextFile(`${SCHEMA_FOLDER}/${name}`, schemaText(bundle));
  }
}
