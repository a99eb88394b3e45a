/** Evidence bundles, docs/formats/evidence.md: a contiguous range of events, with none left out. */

import { type Bytes, fromBase64, same } from './bytes.ts';
import { type Checkpoint, openCheckpoint } from './checkpoint.ts';
import { readPayload } from './event.ts';
import { fail } from './failure.ts';
import { hashLeaf } from './hash.ts';
import type { VerifierKey } from './key.ts';
import { checkPayload, parseLeaf } from './leaf.ts';
import { Stack, subtrees } from './tree.ts';

export interface ProvedRange {
  from: bigint;
  to: bigint;
  checkpoint: Checkpoint;
}

/** Verifies a bundle, line by line, in the memory of one line. */
export async function verifyBundle(
  lines: AsyncIterable<string> | Iterable<string>,
  key: VerifierKey,
): Promise<ProvedRange> {
  let header: Header | null = null;
  const stack = new Stack();
  let next = 0n;
  for await (const line of lines) {
    if (!header) {
      header = await readHeader(line, key);
      next = header.from;
      await add(stack, subtrees(0n, header.from), header.left);
      continue;
    }
    if (next >= header.to) fail('range', 'the bundle holds more entries than its range');
    await stack.push(0, await readEntry(line, next));
    next += 1n;
  }
  if (!header) fail('format', 'the bundle is empty');
  if (next !== header.to) fail('range', `the bundle ends before entry ${next}; its range goes to ${header.to}`);
  await add(stack, subtrees(header.to, header.checkpoint.size), header.right);
  const root = await stack.root();
  if (!root || !same(root, header.checkpoint.root)) {
    fail('inclusion', 'the range as a whole is not the signed one: a leaf or a hash in the header was replaced');
  }
  return { from: header.from, to: header.to, checkpoint: header.checkpoint };
}

interface Header {
  from: bigint;
  to: bigint;
  checkpoint: Checkpoint;
  left: Bytes[];
  right: Bytes[];
}

function parse(line: string, members: string[]): Record<string, unknown> {
  let object: unknown;
  try {
    object = JSON.parse(line);
  } catch {
    fail('format', 'a line of the bundle is no JSON');
  }
  if (typeof object !== 'object' || object === null) fail('format', 'a line of the bundle is no object');
  const stranger = Object.keys(object).find((name) => !members.includes(name));
  if (stranger !== undefined) fail('format', `the bundle holds \`${stranger}\`, which nothing proves`);
  return object as Record<string, unknown>;
}

const position = (value: unknown): bigint =>
  Number.isSafeInteger(value) && Number(value) >= 0
    ? BigInt(value as number)
    : fail('format', 'a position cannot be read');

function hashes(value: unknown): Bytes[] {
  if (!Array.isArray(value) || value.length > 64) fail('format', 'the bundle’s hashes cannot be read');
  return value.map((text) => {
    const hash = typeof text === 'string' ? fromBase64(text) : null;
    return hash?.length === 32 ? hash : fail('format', 'a hash of the bundle cannot be read');
  });
}

async function readHeader(line: string, key: VerifierKey): Promise<Header> {
  const header = parse(line, ['format', 'origin', 'from', 'to', 'checkpoint', 'left', 'right']);
  if (header.format !== 'lodge-evidence/v1') fail('format', 'this is no bundle of the format lodge-evidence/v1');
  if (typeof header.checkpoint !== 'string') fail('format', 'the bundle holds no checkpoint');
  const checkpoint = await openCheckpoint(header.checkpoint, key);
  if (header.origin !== checkpoint.origin) fail('origin', 'the bundle names another log than its checkpoint');
  const [from, to] = [position(header.from), position(header.to)];
  if (from >= to || to > checkpoint.size) fail('range', `the range ${from}..${to} is not within the signed log`);
  const read = { from, to, checkpoint, left: hashes(header.left), right: hashes(header.right) };
  const counts = [subtrees(0n, from).length, subtrees(to, checkpoint.size).length];
  if (read.left.length !== counts[0] || read.right.length !== counts[1])
    fail('range', 'the bundle has a wrong number of hashes');
  return read;
}

async function readEntry(line: string, expected: bigint): Promise<Bytes> {
  const entry = parse(line, ['position', 'leaf', 'salt', 'payload', 'payload_b64']);
  const found = position(entry.position);
  if (found !== expected)
    fail('range', `entry ${expected} should stand where entry ${found} stands: one was dropped, inserted or swapped`);
  const leaf = fromBase64(String(entry.leaf)) ?? fail('format', `the leaf of entry ${found} cannot be read`);
  const salt = fromBase64(String(entry.salt)) ?? fail('format', `the salt of entry ${found} cannot be read`);
  await checkPayload(parseLeaf(leaf), salt, readPayload(entry.payload, entry.payload_b64), found);
  return hashLeaf(leaf);
}

async function add(stack: Stack, heights: number[], roots: Bytes[]): Promise<void> {
  for (const [at, height] of heights.entries()) {
    const hash = roots[at];
    if (hash) await stack.push(height, hash);
  }
}
