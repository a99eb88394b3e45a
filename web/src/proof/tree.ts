/** Merkle trees: RFC 6962, RFC 9162. */

import { type Bytes, same } from './bytes.ts';
import { hashNode } from './hash.ts';

/** Follows an inclusion path to the root that it leads to; null where the path has a wrong length (RFC 9162, 2.1.3.2). */
export async function rootOfPath(index: bigint, size: bigint, leafHash: Bytes, path: Bytes[]): Promise<Bytes | null> {
  if (index < 0n || index >= size) return null;
  let [node, last, hash] = [index, size - 1n, leafHash];
  for (const beside of path) {
    if (last === 0n) return null;
    if (node % 2n === 1n || node === last) {
      hash = await hashNode(beside, hash);
      while (node % 2n === 0n && node !== 0n) {
        node >>= 1n;
        last >>= 1n;
      }
    } else {
      hash = await hashNode(hash, beside);
    }
    node >>= 1n;
    last >>= 1n;
  }
  return last === 0n ? hash : null;
}

/** Says whether the path ties the leaf to the root. */
export async function includes(
  index: bigint,
  size: bigint,
  root: Bytes,
  leafHash: Bytes,
  path: Bytes[],
): Promise<boolean> {
  const reached = await rootOfPath(index, size, leafHash, path);
  return reached !== null && same(reached, root);
}

/** Heights of the complete subtrees that cover a range, from the left. */
export function subtrees(from: bigint, to: bigint): number[] {
  const heights: number[] = [];
  let at = from;
  while (at < to) {
    let height = 0;
    while (at % (2n << BigInt(height)) === 0n && at + (2n << BigInt(height)) <= to) height += 1;
    heights.push(height);
    at += 1n << BigInt(height);
  }
  return heights;
}

/** A tree that grows from the left by complete subtrees and keeps only their roots. */
export class Stack {
  readonly #roots: { height: number; hash: Bytes }[] = [];

  async push(height: number, hash: Bytes): Promise<void> {
    let node = { height, hash };
    for (let top = this.#roots.at(-1); top?.height === node.height; top = this.#roots.at(-1)) {
      this.#roots.pop();
      node = { height: node.height + 1, hash: await hashNode(top.hash, node.hash) };
    }
    this.#roots.push(node);
  }

  /** The root over everything; null of nothing. */
  async root(): Promise<Bytes | null> {
    let root: Bytes | null = null;
    for (const { hash } of this.#roots.toReversed()) root = root ? await hashNode(hash, root) : hash;
    return root;
  }
}
