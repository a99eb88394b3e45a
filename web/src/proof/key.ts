/** The log's verifier key, `origin+hash+base64`, and Ed25519 (RFC 8032). */

import { type Bytes, fromBase64, hex, join, utf8 } from './bytes.ts';
import { fail } from './failure.ts';
import { digest } from './hash.ts';

const ED25519 = 1;

export interface VerifierKey {
  /** Origin of the log. */
  name: string;
  /** First four bytes of the key's hash, which signature lines carry. */
  id: Bytes;
  public: Bytes;
}

/** Reads a verifier key; its hash must be right, so that no letter of it can be mistyped. */
export async function parseKey(text: string): Promise<VerifierKey> {
  // The base64 may hold `+` itself, the name may not.
  const [, name, id, base64] = /^([^+\s]+)\+([0-9a-f]{8})\+(\S+)$/.exec(text.trim()) ?? [];
  if (!name || !id || !base64) fail('key', 'the log’s key is not of the form name+hash+key');
  const bytes = fromBase64(base64);
  if (bytes?.length !== 33 || bytes[0] !== ED25519) fail('key', 'the log’s key is not an Ed25519 key');
  const hash = (await digest(join(utf8(`${name}\n`), bytes))).slice(0, 4);
  if (hex(hash) !== id) fail('key', 'the log’s key does not have the hash that stands in it');
  return { name, id: hash, public: bytes.slice(1) };
}

async function verifiedByBrowser(key: Bytes, signature: Bytes, text: Bytes): Promise<boolean | null> {
  try {
    const imported = await crypto.subtle.importKey('raw', key, 'Ed25519', false, ['verify']);
    return await crypto.subtle.verify('Ed25519', imported, signature, text);
  } catch {
    return null;
  }
}

/** Checks a signature; by the browser where it knows Ed25519, else by a library. */
export async function verifySignature(key: VerifierKey, signature: Bytes, text: Bytes): Promise<boolean> {
  const verified = await verifiedByBrowser(key.public, signature, text);
  if (verified !== null) return verified;
  const { ed25519 } = await import('@noble/curves/ed25519.js');
  try {
    return ed25519.verify(signature, text, key.public, { zip215: false });
  } catch {
    return false;
  }
}
