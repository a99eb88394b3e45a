/**
 * What this browser remembers of the log, so that the server that shows rows is not the only one to vouch for them.
 *
 * The key is pinned when it is first seen; roots of checkpoints are kept, since two roots for one size are proof of two logs.
 */

import { hex } from './bytes.ts';
import type { Checkpoint } from './checkpoint.ts';
import { fail } from './failure.ts';

const KEY = 'lodge.proof.key';
const ROOTS = 'lodge.proof.roots';
const MOST_ROOTS = 200;

export interface PinnedKey {
  text: string;
  /** When this browser first saw it, RFC 3339. */
  since: string;
  /** Whether a person has compared it with the one that the administrator gave out. */
  confirmed: boolean;
}

export type KeyStore = Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>;

function stored<T>(store: KeyStore, name: string): T | null {
  try {
    return JSON.parse(store.getItem(name) ?? 'null') as T | null;
  } catch {
    return null;
  }
}

export const pinnedKey = (store: KeyStore = localStorage): PinnedKey | null => stored<PinnedKey>(store, KEY);

/** Pins the key that the server names, or holds it against the one that is pinned. */
export function pin(offered: string, store: KeyStore = localStorage): PinnedKey {
  const known = pinnedKey(store);
  if (!known) {
    const fresh = { text: offered.trim(), since: new Date().toISOString(), confirmed: false };
    store.setItem(KEY, JSON.stringify(fresh));
    return fresh;
  }
  if (known.text !== offered.trim()) {
    fail(
      'key',
      `the server now names another key than the one that this browser has known since ${known.since.slice(0, 10)}`,
    );
  }
  return known;
}

/** Remembers that a person compared the key, or forgets the key so that the next one is pinned. */
export function confirm(store: KeyStore = localStorage) {
  const known = pinnedKey(store);
  if (known) store.setItem(KEY, JSON.stringify({ ...known, confirmed: true }));
}

export function forget(store: KeyStore = localStorage) {
  store.removeItem(KEY);
  store.removeItem(ROOTS);
}

/** Keeps the checkpoint's root; fails where another root was signed for the same size. */
export function remember(checkpoint: Checkpoint, store: KeyStore = localStorage) {
  const roots = stored<[string, string][]>(store, ROOTS) ?? [];
  const [size, root] = [String(checkpoint.size), hex(checkpoint.root)];
  const seen = roots.find(([other]) => other === size);
  if (seen && seen[1] !== root) {
    fail(
      'fork',
      `the log’s key has signed two different logs of ${size} entries; keep both checkpoints and raise an alarm`,
    );
  }
  if (!seen) store.setItem(ROOTS, JSON.stringify([...roots, [size, root]].slice(-MOST_ROOTS)));
}
