/** The vectors are of a real server: proofs and bundles as its API gave them, with its key. */

// @vitest-environment node
import { ed25519 } from '@noble/curves/ed25519.js';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { verifyBundle } from './bundle.ts';
import { fromBase64, join, toBase64, utf8 } from './bytes.ts';
import { openCheckpoint } from './checkpoint.ts';
import { verifyEvent } from './event.ts';
import { digest } from './hash.ts';
import { parseKey } from './key.ts';
import { confirm, forget, type KeyStore, pin, pinnedKey } from './keyring.ts';
import vectors from './real.vectors.json';
import { verifyRow } from './row.ts';
import { includes, rootOfPath, subtrees } from './tree.ts';

const key = await parseKey(vectors.key);
type Proof = (typeof vectors.proofs)[number]['proof'];
const first = vectors.proofs[1]?.proof as Proof;
const changed = (change: Partial<Proof>) => ({ ...first, ...change });
const flip = (base64: string, at = 0) => {
  const bytes = fromBase64(base64) ?? new Uint8Array();
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  return toBase64(bytes);
};

function memory(): KeyStore {
  const kept = new Map<string, string>();
  return {
    getItem: (name) => kept.get(name) ?? null,
    setItem: (name, value) => void kept.set(name, value),
    removeItem: (name) => void kept.delete(name),
  };
}

describe('a proof of one event', () => {
  it('of a real server is verified', async () => {
    for (const { id, proof } of vectors.proofs) {
      const proved = await verifyEvent(proof, key);
      expect(JSON.parse(new TextDecoder().decode(proved.payload)).id).toBe(id);
      expect(proved.leaf.source).toMatch(/^lodge\//);
      expect(proved.checkpoint.size).toBeGreaterThan(proved.position);
    }
  });

  it('is refused wherever a byte of it was changed', async () => {
    const tlog = first.tlog_proof;
    const hash = tlog.split('\n')[2] as string;
    const signature = tlog.trimEnd().split(' ').at(-1) as string;
    const cases: [object, string][] = [
      [changed({ payload: first.payload.replace('admin', 'mallory') }), 'payload'],
      [changed({ payload: `${first.payload} ` }), 'payload'],
      [changed({ salt: flip(first.salt) }), 'payload'],
      [changed({ leaf: flip(first.leaf, 40) }), 'inclusion'],
      [changed({ leaf: flip(first.leaf, 3) }), 'inclusion'],
      [changed({ position: 6 }), 'position'],
      [changed({ position: 6, tlog_proof: tlog.replace('index 5', 'index 6') }), 'inclusion'],
      [changed({ tlog_proof: tlog.replace(hash, flip(hash)) }), 'inclusion'],
      [changed({ tlog_proof: tlog.replace(`${hash}\n`, '') }), 'inclusion'],
      [changed({ tlog_proof: tlog.replace(signature, flip(signature, 20)) }), 'signature'],
      [changed({ tlog_proof: tlog.replace(signature, flip(signature, 0)) }), 'signature'],
      [changed({ tlog_proof: tlog.replace('\n25\n', '\n26\n') }), 'signature'],
      [changed({ format: 'lodge-proof/v2' }), 'format'],
      [{ ...first, trusted: true }, 'format'],
      [changed({ position: 1.5 }), 'format'],
      [changed({ leaf: `${first.leaf}=` }), 'format'],
      [changed({ tlog_proof: '' }), 'format'],
    ];
    for (const [proof, code] of cases) await expect(verifyEvent(proof, key)).rejects.toMatchObject({ code });
  });

  it('of another key is refused', async () => {
    const secret = new Uint8Array(32).fill(7);
    const bytes = join(new Uint8Array([1]), ed25519.getPublicKey(secret));
    const id = (await digest(join(utf8('127.0.0.1/log\n'), bytes))).slice(0, 4);
    const other = await parseKey(`127.0.0.1/log+${Buffer.from(id).toString('hex')}+${toBase64(bytes)}`);
    await expect(verifyEvent(first, other)).rejects.toMatchObject({ code: 'signature' });
  });

  it('is verified the same where the browser knows no Ed25519', async () => {
    const unknown = vi.spyOn(crypto.subtle, 'importKey').mockRejectedValue(new Error('not supported'));
    await expect(verifyEvent(first, key)).resolves.toMatchObject({ position: 5n });
    const tlog = first.tlog_proof.replace('\n25\n', '\n26\n');
    await expect(verifyEvent(changed({ tlog_proof: tlog }), key)).rejects.toMatchObject({ code: 'signature' });
    unknown.mockRestore();
  });
});

describe('a row', () => {
  const event = JSON.parse(first.payload);
  let store: KeyStore;
  beforeEach(() => {
    store = memory();
  });

  it('is green only when it shows what is proved', async () => {
    const row = { position: 5, event };
    expect(await verifyRow({ row, proof: first, key: vectors.key }, store)).toMatchObject({ state: 'verified' });
    const other = { position: 5, event: { ...event, outcome: 'failure' } };
    expect(await verifyRow({ row: other, proof: first, key: vectors.key }, store)).toMatchObject({
      state: 'failed',
      failure: { code: 'shown' },
    });
    const elsewhere = { position: 6, event };
    expect(await verifyRow({ row: elsewhere, proof: first, key: vectors.key }, store)).toMatchObject({
      state: 'failed',
    });
  });

  it('fails when the server names another key than before', async () => {
    pin('somebody+00000000+else', store);
    expect(await verifyRow({ row: { position: 5, event }, proof: first, key: vectors.key }, store)).toMatchObject({
      failure: { code: 'key' },
    });
  });

  it('fails when two logs of one size were signed', async () => {
    store.setItem('lodge.proof.roots', JSON.stringify([['25', '00']]));
    expect(await verifyRow({ row: { position: 5, event }, proof: first, key: vectors.key }, store)).toMatchObject({
      failure: { code: 'fork' },
    });
  });

  it('fails, and does not break, on anything that is no proof', async () => {
    for (const proof of [null, 1, [], {}, { ...first, payload: '{' }]) {
      expect(await verifyRow({ row: { position: 5, event }, proof, key: vectors.key }, store)).toMatchObject({
        state: 'failed',
      });
    }
  });

  it('keeps a key until it is forgotten', () => {
    pin(vectors.key, store);
    confirm(store);
    expect(pinnedKey(store)).toMatchObject({ text: vectors.key, confirmed: true });
    forget(store);
    expect(pinnedKey(store)).toBeNull();
  });
});

describe('an evidence bundle', () => {
  const lines = vectors.bundle.trimEnd().split('\n');

  it('of a real server is verified', async () => {
    expect(await verifyBundle(lines, key)).toMatchObject({ from: 5n, to: 9n });
    expect(await verifyBundle(vectors.whole.trimEnd().split('\n'), key)).toMatchObject({ from: 0n, to: 3n });
  });

  it('is refused when an entry is missing, swapped, changed or added', async () => {
    const [header = '', a = '', b = '', c = '', d = ''] = lines;
    const cases: [string[], string][] = [
      [[header, a, b, d], 'range'],
      [[header, a, c, b, d], 'range'],
      [[header, a, b, c], 'range'],
      [[...lines, d], 'range'],
      [[header, a.replace('admin', 'mallory'), b, c, d], 'payload'],
      [[header.replace('"right":["', '"right":["A'), a, b, c, d], 'format'],
      [[header.replace(/"left":\[[^\]]*\]/, '"left":[]'), a, b, c, d], 'range'],
      [[header.replace('"to":9', '"to":99'), a, b, c, d], 'range'],
      [[], 'format'],
      [['{'], 'format'],
    ];
    for (const [bundle, code] of cases) await expect(verifyBundle(bundle, key)).rejects.toMatchObject({ code });
  });
});

describe('checkpoints and trees', () => {
  it('needs a signature of the key', async () => {
    const note = first.tlog_proof.slice(first.tlog_proof.indexOf('\n\n') + 2);
    await expect(openCheckpoint(note, key)).resolves.toMatchObject({ size: 25n });
    await expect(openCheckpoint(note.slice(0, note.indexOf('\n\n') + 2), key)).rejects.toMatchObject({
      code: 'format',
    });
    await expect(openCheckpoint(note.trimEnd(), key)).rejects.toMatchObject({ code: 'format' });
    const witnessed = `${note}\u2014 witness.example ${toBase64(new Uint8Array(68))}\n`;
    await expect(openCheckpoint(witnessed, key)).resolves.toMatchObject({ size: 25n });
  });

  it('reads only keys whose hash is right', async () => {
    for (const text of ['', 'a+b', vectors.key.replace('c9789135', 'c9789136')]) {
      await expect(parseKey(text)).rejects.toMatchObject({ code: 'key' });
    }
  });

  it('covers ranges as docs/formats/evidence.md says', () => {
    expect(subtrees(0n, 5n)).toEqual([2, 0]);
    expect(subtrees(7n, 13n)).toEqual([0, 2, 0]);
  });

  it('takes no path of a wrong length', async () => {
    const hash = new Uint8Array(32);
    expect(await rootOfPath(0n, 1n, hash, [])).toEqual(hash);
    expect(await rootOfPath(0n, 1n, hash, [hash])).toBeNull();
    expect(await rootOfPath(0n, 2n, hash, [])).toBeNull();
    expect(await rootOfPath(2n, 2n, hash, [hash])).toBeNull();
    expect(await includes(0n, 1n, hash, hash, [])).toBe(true);
  });
});
