/**
 * A persistent ordered set: `added` and `removed` give a new one and leave the old one as it was. A treap: what came in
 * gets a number without a pattern, and the larger number is above, so that a look or a change passes few members, whatever
 * the order in which they came. Plain data, so that it can be part of a state.
 */
export interface Ordered<T> {
  readonly one: T;
  readonly height: number;
  readonly left: Ordered<T> | undefined;
  readonly right: Ordered<T> | undefined;
}

type Tree<T> = Ordered<T> | undefined;
/** Negative: a is before b. Zero: they are the same. */
type Order<T> = (a: T, b: T) => number;

/** Different numbers give different heights. */
export function heightOf(number: number): number {
  let mixed = Math.imul(number ^ (number >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}

/** The members before `one`, and those after it. */
function parted<T>(tree: Tree<T>, one: T, order: Order<T>): readonly [Tree<T>, Tree<T>] {
  if (tree === undefined) return [undefined, undefined];
  if (order(one, tree.one) < 0) {
    const [before, after] = parted(tree.left, one, order);
    return [before, { ...tree, left: after }];
  }
  const [before, after] = parted(tree.right, one, order);
  return [{ ...tree, right: before }, after];
}

/** `one` is not a member yet. */
export function added<T>(tree: Tree<T>, one: T, height: number, order: Order<T>): Ordered<T> {
  if (tree === undefined || height > tree.height) {
    const [left, right] = parted(tree, one, order);
    return { one, height, left, right };
  }
  return order(one, tree.one) < 0
    ? { ...tree, left: added(tree.left, one, height, order) }
    : { ...tree, right: added(tree.right, one, height, order) };
}

/** All of the left ones are before those of the right. */
function joined<T>(left: Tree<T>, right: Tree<T>): Tree<T> {
  if (left === undefined) return right;
  if (right === undefined) return left;
  return left.height > right.height
    ? { ...left, right: joined(left.right, right) }
    : { ...right, left: joined(left, right.left) };
}

export function removed<T>(tree: Tree<T>, one: T, order: Order<T>): Tree<T> {
  if (tree === undefined) return undefined;
  const way = order(one, tree.one);
  if (way === 0) return joined(tree.left, tree.right);
  return way < 0
    ? { ...tree, left: removed(tree.left, one, order) }
    : { ...tree, right: removed(tree.right, one, order) };
}

/** The first member that is not before the place that `isBefore` describes. */
export function firstFrom<T>(tree: Tree<T>, isBefore: (one: T) => boolean): T | undefined {
  let found: T | undefined;
  for (let at = tree; at !== undefined;) {
    if (isBefore(at.one)) at = at.right;
    else {
      found = at.one;
      at = at.left;
    }
  }
  return found;
}

/** All members, in order. */
export function* membersOf<T>(tree: Tree<T>): IterableIterator<T> {
  const above: Ordered<T>[] = [];
  for (let at = tree; at !== undefined || above.length > 0;) {
    for (; at !== undefined; at = at.left) above.push(at);
    const next = above.pop();
    if (next === undefined) return;
    yield next.one;
    at = next.right;
  }
}
