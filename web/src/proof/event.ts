/** The proof of one event, docs/formats/evidence.md: from the signature of a checkpoint down to the event's bytes. */

import { type Bytes, fromBase64, utf8 } from './bytes.ts';
import { type Checkpoint, openCheckpoint } from './checkpoint.ts';
import { fail } from './failure.ts';
import { hashLeaf } from './hash.ts';
import type { VerifierKey } from './key.ts';
import { checkPayload, type Leaf, parseLeaf } from './leaf.ts';
import { includes } from './tree.ts';

const MEMBERS = new Set(['format', 'position', 'leaf', 'salt', 'payload', 'payload_b64', 'tlog_proof']);
const MOST_HASHES = 64;

/** What a proof has shown. Only `verifyEvent` makes one. */
export interface Proved {
  position: bigint;
  checkpoint: Checkpoint;
  leaf: Leaf;
  /** The event's exact bytes. */
  payload: Bytes;
  /** How many hashes lead from the leaf to the root. */
  pathLength: number;
}

/** Verifies a proof with the key, or throws a `ProofFailure` that says what does not hold. */
export async function verifyEvent(proof: unknown, key: VerifierKey): Promise<Proved> {
  const { position, leaf: leafBytes, salt, payload, path } = read(proof);
  const checkpoint = await openCheckpoint(path.note, key);
  if (path.index !== position)
    fail('position', `the proof is for entry ${position}, the path in it for entry ${path.index}`);
  const leaf = parseLeaf(leafBytes);
  if (!(await includes(position, checkpoint.size, checkpoint.root, await hashLeaf(leafBytes), path.hashes))) {
    fail('inclusion', `the hashes do not lead from entry ${position} to the signed root of ${checkpoint.size} entries`);
  }
  await checkPayload(leaf, salt, payload, position);
  return { position, checkpoint, leaf, payload, pathLength: path.hashes.length };
}

interface Path {
  index: bigint;
  hashes: Bytes[];
  note: string;
}

function read(proof: unknown): { position: bigint; leaf: Bytes; salt: Bytes; payload: Bytes; path: Path } {
  if (typeof proof !== 'object' || proof === null) fail('format', 'this is no proof of an event');
  const { format, position, leaf, salt, payload, payload_b64, tlog_proof } = proof as Record<string, unknown>;
  if (format !== 'lodge-proof/v1') fail('format', 'this is no proof of the format lodge-proof/v1');
  const stranger = Object.keys(proof).find((name) => !MEMBERS.has(name));
  if (stranger !== undefined) fail('format', `the proof holds \`${stranger}\`, which nothing proves`);
  if (!Number.isSafeInteger(position) || Number(position) < 0) fail('format', 'the proof’s position is no position');
  const bytes = (value: unknown, name: string) =>
    (typeof value === 'string' && fromBase64(value)) || fail('format', `the proof’s ${name} cannot be read`);
  return {
    position: BigInt(position as number),
    leaf: bytes(leaf, 'leaf'),
    salt: bytes(salt, 'salt'),
    payload: readPayload(payload, payload_b64),
    path: readPath(tlog_proof),
  };
}

/** Reads the event's bytes from the one member that may hold them. */
export function readPayload(payload: unknown, base64: unknown): Bytes {
  if (typeof payload === 'string' && base64 === undefined) {
    if (!payload.isWellFormed()) fail('format', 'the event’s text is no Unicode');
    return utf8(payload);
  }
  const bytes = payload === undefined && typeof base64 === 'string' ? fromBase64(base64) : null;
  return bytes ?? fail('format', 'the proof holds no event');
}

/** Reads a C2SP tlog-proof; extra data in it is proved by nothing and ignored. */
function readPath(file: unknown): Path {
  if (typeof file !== 'string') fail('format', 'the proof holds no tlog-proof');
  const border = file.indexOf('\n\n');
  const lines = file.slice(0, border).split('\n');
  if (border < 0 || lines.shift() !== 'c2sp.org/tlog-proof@v1') fail('format', 'the tlog-proof cannot be read');
  if (lines[0]?.startsWith('extra ')) lines.shift();
  const [, index] = /^index (0|[1-9][0-9]{0,18})$/.exec(lines.shift() ?? '') ?? [];
  if (index === undefined || lines.length > MOST_HASHES)
    fail('format', 'the tlog-proof names no entry, or too many hashes');
  const hashes = lines.map((line) => {
    const hash = fromBase64(line);
    return hash?.length === 32 ? hash : fail('format', 'a hash in the tlog-proof cannot be read');
  });
  return { index: BigInt(index), hashes, note: file.slice(border + 2) };
}
