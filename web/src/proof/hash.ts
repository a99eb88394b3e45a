/** SHA-256, and the two hashes of RFC 6962. */

import { type Bytes, join, utf8 } from './bytes.ts';

const LEAF = new Uint8Array([0]);
const NODE = new Uint8Array([1]);
const PAYLOAD = join(utf8('lodge/payload/v1'), new Uint8Array([0]));

/** Browsers have WebCrypto only on secure pages; elsewhere the same is computed here. */
async function sha256(bytes: Bytes): Promise<Bytes> {
  if (globalThis.crypto?.subtle) return new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
  const { sha256: compute } = await import('@noble/hashes/sha2.js');
  return compute(bytes) as Bytes;
}

export const hashLeaf = (leaf: Uint8Array) => sha256(join(LEAF, leaf));

export const hashNode = (left: Uint8Array, right: Uint8Array) => sha256(join(NODE, left, right));

/** The commitment that a leaf holds to a payload. */
export const commit = (salt: Uint8Array, payload: Uint8Array) => sha256(join(PAYLOAD, salt, payload));

export const digest = sha256;
