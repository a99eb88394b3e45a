/** Leaves: what the tree hashes of an event. */

import { type Bytes, same } from './bytes.ts';
import { fail } from './failure.ts';
import { commit } from './hash.ts';

const MOST_BYTES = 512;
const FIXED_BYTES = 18;

export interface Leaf {
  /** When the log took it, microseconds since 1970 UTC. */
  logTimeUs: bigint;
  /** Place in the source's own sequence. */
  sequence: bigint;
  source: string;
  commitment: Bytes;
}

export function parseLeaf(bytes: Bytes): Leaf {
  if (bytes.length > MOST_BYTES || bytes.length < FIXED_BYTES + 32 || bytes[0] !== 1)
    fail('format', 'the leaf cannot be read');
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const length = bytes[17] ?? 0;
  if (length > 200 || bytes.length !== FIXED_BYTES + length + 32) fail('format', 'the leaf has a wrong length');
  try {
    return {
      logTimeUs: view.getBigInt64(1),
      sequence: view.getBigUint64(9),
      source: new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(
        bytes.subarray(FIXED_BYTES, FIXED_BYTES + length),
      ),
      commitment: bytes.slice(FIXED_BYTES + length),
    };
  } catch {
    return fail('format', 'the leaf names a source that is no text');
  }
}

/** Checks that the leaf commits to exactly these bytes. */
export async function checkPayload(leaf: Leaf, salt: Bytes, payload: Bytes, position: bigint): Promise<void> {
  if (salt.length !== 16) fail('format', 'the salt has not 16 bytes');
  if (!same(await commit(salt, payload), leaf.commitment)) {
    fail('payload', `entry ${position}: the event or its salt was changed; it is not what the log committed to`);
  }
}
