/** Verifying a row that the console shows. */

import { type Proved, verifyEvent } from './event.ts';
import { fail, ProofFailure } from './failure.ts';
import { parseKey } from './key.ts';
import { type KeyStore, type PinnedKey, pin, remember } from './keyring.ts';

/** What checking a row has shown. There is no way to `verified` but through every check; before it, nothing is known. */
export type RowProof =
  | { state: 'verified'; proved: Proved; key: PinnedKey; text: string }
  | { state: 'failed'; failure: ProofFailure };

interface Asked {
  /** The row as it is shown. */
  row: { position: number; event: unknown };
  /** The proof that the server gave. */
  proof: unknown;
  /** The key that the server names. */
  key: string;
}

/** Verifies that what the row shows is what the log holds at its position. */
export async function verifyRow({ row, proof, key }: Asked, store?: KeyStore): Promise<RowProof> {
  try {
    const pinned = pin(key, store);
    const proved = await verifyEvent(proof, await parseKey(pinned.text));
    if (proved.position !== BigInt(row.position)) {
      fail('shown', `the row says position ${row.position}, the proof is of entry ${proved.position}`);
    }
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(proved.payload);
    if (!equal(JSON.parse(text), row.event))
      fail('shown', 'the row shows something else than the event that is proved');
    remember(proved.checkpoint, store);
    return { state: 'verified', proved, key: pinned, text };
  } catch (error) {
    if (error instanceof ProofFailure) return { state: 'failed', failure: error };
    const why = error instanceof Error ? error.message : String(error);
    return { state: 'failed', failure: new ProofFailure('format', `the proof cannot be read: ${why}`) };
  }
}

/** Whether two values read from JSON say the same. */
export function equal(one: unknown, other: unknown): boolean {
  if (one === other) return true;
  if (typeof one !== 'object' || typeof other !== 'object' || one === null || other === null) return false;
  if (Array.isArray(one) !== Array.isArray(other)) return false;
  const [mine, theirs] = [Object.entries(one), other as Record<string, unknown>];
  return (
    mine.length === Object.keys(theirs).length &&
    mine.every(([name, value]) => Object.hasOwn(theirs, name) && equal(value, theirs[name]))
  );
}
