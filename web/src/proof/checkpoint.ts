/** Signed checkpoints: C2SP signed-note and tlog-checkpoint. */

import { type Bytes, fromBase64, same, utf8 } from './bytes.ts';
import { fail } from './failure.ts';
import { type VerifierKey, verifySignature } from './key.ts';

export interface Checkpoint {
  origin: string;
  /** How many entries the signed tree has. */
  size: bigint;
  root: Bytes;
  /** As it was signed and written down. */
  note: string;
}

const MOST_SIGNATURES = 100;
const SIZE = /^(0|[1-9][0-9]{0,18})$/;

/** Reads a checkpoint and checks that the key signed it. Signatures of other keys are for other readers. */
export async function openCheckpoint(note: string, key: VerifierKey): Promise<Checkpoint> {
  const border = note.lastIndexOf('\n\n');
  if (border < 0 || !note.endsWith('\n')) fail('format', 'the checkpoint is not a signed note');
  const text = note.slice(0, border + 1);
  const lines = note.slice(border + 2, -1).split('\n');
  if (lines.length > MOST_SIGNATURES) fail('format', 'the checkpoint has too many signatures');
  await checkSignatures(text, lines, key);

  const [origin = '', size = '', root = ''] = text.slice(0, -1).split('\n');
  const hash = fromBase64(root);
  if (!SIZE.test(size) || hash?.length !== 32) fail('format', 'the checkpoint’s size or root cannot be read');
  if (origin !== key.name) fail('origin', `the checkpoint is of the log ${origin}, the key of ${key.name}`);
  return { origin, size: BigInt(size), root: hash, note };
}

async function checkSignatures(text: string, lines: string[], key: VerifierKey): Promise<void> {
  let signed = false;
  for (const line of lines) {
    const [, name, base64] = /^\u2014 ([^\s+]+) (\S+)$/.exec(line) ?? [];
    const bytes = fromBase64(base64 ?? '');
    if (!name || !bytes || bytes.length < 5) fail('format', 'a signature of the checkpoint cannot be read');
    if (name !== key.name || !same(bytes.slice(0, 4), key.id)) continue;
    if (bytes.length !== 68 || !(await verifySignature(key, bytes.slice(4), utf8(text)))) {
      fail('signature', 'the checkpoint’s signature is wrong: the log’s key did not sign this text');
    }
    signed = true;
  }
  if (!signed) fail('signature', 'the checkpoint is not signed by the log’s key');
}
