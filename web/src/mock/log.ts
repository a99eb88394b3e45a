/** A real log over the mock's events: leaves, tree, signed checkpoints, so that proofs are verified and not pretended. */

import { ed25519 } from '@noble/curves/ed25519.js';
import { sha256 } from '@noble/hashes/sha2.js';
import type { EventRow } from '../api/client.ts';
import { hex, join, toBase64, utf8 } from '../proof/bytes.ts';
import { ROWS } from './events.ts';

const ORIGIN = 'mock.example/log';
const SEED = sha256(utf8('the key of a log that does not exist'));
const PUBLIC = join(new Uint8Array([1]), ed25519.getPublicKey(SEED));
const KEY_ID = sha256(join(utf8(`${ORIGIN}\n`), PUBLIC)).slice(0, 4);
const SOURCE = utf8('lodge/mock');

export const LOG_KEY = `${ORIGIN}+${hex(KEY_ID)}+${toBase64(PUBLIC)}`;

const payloadOf = (row: EventRow) => utf8(JSON.stringify(row.event));
const saltOf = (row: EventRow) => sha256(utf8(`salt ${row.position}`)).slice(0, 16);

function leafOf(row: EventRow): Uint8Array {
  const head = new Uint8Array(18);
  const view = new DataView(head.buffer);
  view.setUint8(0, 1);
  view.setBigInt64(1, BigInt(Date.parse(row.log_time)) * 1000n);
  view.setBigUint64(9, BigInt(row.position));
  view.setUint8(17, SOURCE.length);
  const commitment = sha256(join(utf8('lodge/payload/v1'), new Uint8Array([0]), saltOf(row), payloadOf(row)));
  return join(head, SOURCE, commitment);
}

const node = (left: Uint8Array, right: Uint8Array) => sha256(join(new Uint8Array([1]), left, right));
const leaves: Uint8Array[] = [];
const roots = new Map<string, Uint8Array>();

function hashes(size: number): Uint8Array[] {
  for (let at = leaves.length; at < size; at++)
    leaves.push(sha256(join(new Uint8Array([0]), leafOf(ROWS[at] as EventRow))));
  return leaves;
}

/** The hash over leaves `from` to `to`, as RFC 6962 cuts the tree. */
function root(from: number, to: number): Uint8Array {
  if (to - from === 1) return leaves[from] as Uint8Array;
  const key = `${from}-${to}`;
  const known = roots.get(key);
  if (known) return known;
  const half = 2 ** (Math.ceil(Math.log2(to - from)) - 1);
  const made = node(root(from, from + half), root(from + half, to));
  roots.set(key, made);
  return made;
}

function path(index: number, from: number, to: number): Uint8Array[] {
  if (to - from === 1) return [];
  const half = 2 ** (Math.ceil(Math.log2(to - from)) - 1);
  return index < from + half
    ? [...path(index, from, from + half), root(from + half, to)]
    : [...path(index, from + half, to), root(from, from + half)];
}

export function checkpoint(size = ROWS.length): string {
  hashes(size);
  const text = `${ORIGIN}\n${size}\n${toBase64(root(0, size))}\n`;
  return `${text}\n\u2014 ${ORIGIN} ${toBase64(join(KEY_ID, ed25519.sign(utf8(text), SEED)))}\n`;
}

export function proofOf(row: EventRow) {
  const size = ROWS.length;
  const note = checkpoint(size);
  const lines = path(row.position, 0, size).map((hash) => `${toBase64(hash)}\n`);
  return {
    format: 'lodge-proof/v1',
    position: row.position,
    leaf: toBase64(leafOf(row)),
    salt: toBase64(saltOf(row)),
    payload: JSON.stringify(row.event),
    tlog_proof: `c2sp.org/tlog-proof@v1\nindex ${row.position}\n${lines.join('')}\n${note}`,
  };
}

/** The roots of the complete subtrees that cover a range. */
function cover(from: number, to: number): string[] {
  const found: string[] = [];
  for (let at = from; at < to; ) {
    let width = 1;
    while (at % (width * 2) === 0 && at + width * 2 <= to) width *= 2;
    found.push(toBase64(root(at, at + width)));
    at += width;
  }
  return found;
}

export function bundle(from: number, to: number): string {
  const note = checkpoint();
  const header = {
    format: 'lodge-evidence/v1',
    origin: ORIGIN,
    from,
    to,
    checkpoint: note,
    left: cover(0, from),
    right: cover(to, ROWS.length),
  };
  const entries = ROWS.slice(from, to).map((row) => ({
    position: row.position,
    leaf: toBase64(leafOf(row)),
    salt: toBase64(saltOf(row)),
    payload: JSON.stringify(row.event),
  }));
  return [header, ...entries].map((line) => `${JSON.stringify(line)}\n`).join('');
}
