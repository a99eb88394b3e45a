/**
 * Recording files, docs/formats/recording.md: decoded and checked chunk by chunk, from the first byte to the seal.
 *
 * What is damaged is told with its place; what stands before it is still shown.
 */

import { decompress } from 'fzstd';
import { type Bytes, hex, join, same, utf8 } from '../proof/bytes.ts';
import { digest } from '../proof/hash.ts';
import { crc32c } from './crc32c.ts';

const MAGIC = utf8('lodge/recording/v1\n');
const CHAIN = join(utf8('lodge/recording/v1'), new Uint8Array([0]));
const FIELDS = 30;
const HEAD = FIELDS + 4 + 32;
const MOST_CONTENT = 262_144;

export interface Header {
  session: string;
  started: string;
  user: string;
  login: string;
  target: string;
  protocol: string;
}

/** What happened, on which channel, how many milliseconds after the beginning. */
export type Frame = { at: number; channel: number } & (
  | { kind: 'terminal'; term: string; columns: number; rows: number }
  | { kind: 'command'; command: string }
  | { kind: 'output' | 'error' | 'input'; bytes: Uint8Array }
  | { kind: 'resize'; columns: number; rows: number }
  | { kind: 'end'; exitCode: number | null }
);

export interface Recording {
  header: Header;
  frames: Frame[];
  /** Hash of the seal chunk, in hexadecimal; null while the session runs, or where the seal is damaged. */
  root: string | null;
  /** Whether a crash or fault cut it short. */
  truncated: boolean;
  durationMs: number;
  /** Where the first thing that is wrong stands, and what it is. */
  damage: string | null;
}

class Damage extends Error {}

/** Reads numbers and bytes from a chunk's content; throws where they do not fit. */
class Reader {
  #at = 0;
  constructor(readonly bytes: Uint8Array) {}

  get done() {
    return this.#at === this.bytes.length;
  }

  byte(): number {
    const value = this.bytes[this.#at];
    if (value === undefined) throw new Damage('a frame is cut off');
    this.#at += 1;
    return value;
  }

  /** Unsigned LEB128; a number beyond what can be counted exactly is refused. */
  number(): number {
    let [value, scale] = [0, 1];
    for (let length = 0; length < 10; length++) {
      const byte = this.byte();
      value += (byte & 0x7f) * scale;
      if (!Number.isSafeInteger(value)) break;
      if (byte < 0x80) return value;
      scale *= 128;
    }
    throw new Damage('a number in a frame is too large');
  }

  run(): Uint8Array {
    const length = this.number();
    if (length > this.bytes.length - this.#at) throw new Damage('a frame is cut off');
    this.#at += length;
    return this.bytes.subarray(this.#at - length, this.#at);
  }

  text(): string {
    return new TextDecoder().decode(this.run());
  }
}

interface Chunk {
  kind: number;
  content: Uint8Array;
  frames: number;
  firstUs: number;
  lastUs: number;
  hash: Bytes;
  end: number;
}

/** Reads the chunk at a place; null where the file ends inside it. */
async function readChunk(file: Bytes, at: number, before: Bytes): Promise<Chunk | null> {
  if (file.length - at < HEAD) return null;
  const view = new DataView(file.buffer, file.byteOffset + at);
  const [kind, encoding] = [view.getUint8(0), view.getUint8(1)];
  const [stored, length, frames] = [view.getUint32(2), view.getUint32(6), view.getUint32(10)];
  if (kind < 1 || kind > 3 || encoding > 1 || length > MOST_CONTENT) throw new Damage('its fields are out of bounds');
  if (encoding === 0 ? stored !== length : stored >= length) throw new Damage('its lengths contradict each other');
  if (file.length - at - HEAD < stored) return null;
  const fields = file.subarray(at, at + FIELDS);
  const bytes = file.subarray(at + HEAD, at + HEAD + stored);
  if (crc32c(fields, bytes) !== view.getUint32(FIELDS)) throw new Damage('its checksum is wrong');
  const hash = file.slice(at + FIELDS + 4, at + HEAD);
  if (!same(await digest(join(CHAIN, before, fields, bytes)), hash))
    throw new Damage('its hash does not follow from the chunk before');
  return {
    kind,
    content: encoding === 1 ? unpack(bytes, length) : bytes,
    frames,
    firstUs: Number(view.getBigUint64(14)),
    lastUs: Number(view.getBigUint64(22)),
    hash,
    end: at + HEAD + stored,
  };
}

function unpack(bytes: Uint8Array, length: number): Uint8Array {
  let content: Uint8Array;
  try {
    content = decompress(bytes, new Uint8Array(length));
  } catch {
    throw new Damage('it cannot be unpacked');
  }
  if (content.length !== length) throw new Damage('it unpacks to another length');
  return content;
}

function readFrames(chunk: Chunk, frames: Frame[]) {
  const reader = new Reader(chunk.content);
  let us = chunk.firstUs;
  for (let count = 0; count < chunk.frames; count++) {
    const tag = reader.byte();
    const passed = reader.number();
    us += passed;
    const base = { at: us / 1000, channel: reader.number() };
    if (tag === 1)
      frames.push({ ...base, kind: 'terminal', term: reader.text(), columns: reader.number(), rows: reader.number() });
    else if (tag === 2) frames.push({ ...base, kind: 'command', command: reader.text() });
    else if (tag === 3) frames.push({ ...base, kind: 'output', bytes: reader.run() });
    else if (tag === 4) frames.push({ ...base, kind: 'error', bytes: reader.run() });
    else if (tag === 5) frames.push({ ...base, kind: 'input', bytes: reader.run() });
    else if (tag === 6) frames.push({ ...base, kind: 'resize', columns: reader.number(), rows: reader.number() });
    else if (tag === 7) {
      const told = reader.number();
      frames.push({ ...base, kind: 'end', exitCode: told === 0 ? null : told - 1 });
    } else throw new Damage(`it holds a frame of an unknown kind, ${tag}`);
  }
  if (!reader.done || us !== chunk.lastUs) throw new Damage('its frames are not those that it announces');
}

interface Totals {
  chunks: number;
  frames: number;
  bytes: number;
  stored: number;
  lastUs: number;
}

function readSeal(chunk: Chunk, totals: Totals): boolean {
  if (chunk.content.length !== 41) throw new Damage('the seal has a wrong length');
  const view = new DataView(chunk.content.buffer, chunk.content.byteOffset);
  const told = [1, 9, 17, 25, 33].map((at) => Number(view.getBigUint64(at)));
  const counted = [totals.chunks, totals.frames, totals.bytes, totals.stored, totals.lastUs];
  if (told.some((value, at) => value !== counted[at]))
    throw new Damage('the seal counts something else than what stands before it');
  return view.getUint8(0) === 1;
}

/** Decodes a recording that comes piece by piece, and checks every chunk of it as soon as it is whole. */
export class Decoder {
  readonly recording: Recording = {
    header: { session: '', started: '', user: '', login: '', target: '', protocol: '' },
    frames: [],
    root: null,
    truncated: false,
    durationMs: 0,
    damage: null,
  };
  readonly #totals: Totals = { chunks: 0, frames: 0, bytes: 0, stored: 0, lastUs: 0 };
  #rest: Bytes = new Uint8Array();
  #hash: Bytes = new Uint8Array(32);
  /** Bytes before the rest. */
  #at = 0;

  /** Takes the next bytes; the recording then has the frames of every chunk that they complete. */
  async take(bytes: Bytes): Promise<void> {
    if (this.recording.damage) return;
    this.#rest = this.#rest.length === 0 ? bytes : join(this.#rest, bytes);
    try {
      if (this.#at === 0 && !this.#magic()) return;
      for (;;) {
        const chunk = await readChunk(this.#rest, 0, this.#hash);
        if (!chunk) break;
        this.#chunk(chunk);
      }
    } catch (error) {
      this.#damaged(error instanceof Damage ? error.message : 'it cannot be read');
    }
    this.recording.durationMs = this.#totals.lastUs / 1000;
  }

  #damaged(why: string) {
    this.recording.damage = `chunk ${this.#totals.chunks}, at byte ${this.#at}: ${why}`;
  }

  #magic(): boolean {
    if (this.#rest.length < MAGIC.length) return false;
    if (!same(this.#rest.subarray(0, MAGIC.length), MAGIC)) {
      this.recording.damage = 'this is no recording';
      return false;
    }
    this.#pass(MAGIC.length);
    return true;
  }

  #pass(length: number) {
    this.#rest = this.#rest.subarray(length);
    this.#at += length;
  }

  #chunk(chunk: Chunk) {
    const totals = this.#totals;
    if (this.recording.root) throw new Damage('something follows the seal');
    if ((chunk.kind === 1) !== (totals.chunks === 0)) throw new Damage('it stands where it does not belong');
    if (chunk.firstUs < totals.lastUs || chunk.lastUs < chunk.firstUs) throw new Damage('its times go backwards');
    if (chunk.kind === 3) {
      this.recording.truncated = readSeal(chunk, totals);
      if (chunk.end !== this.#rest.length) throw new Damage('something follows the seal');
      this.recording.root = hex(chunk.hash);
    } else {
      if (chunk.kind === 1) this.recording.header = JSON.parse(new TextDecoder().decode(chunk.content)) as Header;
      else readFrames(chunk, this.recording.frames);
      totals.chunks += 1;
      totals.frames += chunk.frames;
      totals.bytes += chunk.content.length;
      totals.stored += chunk.end - HEAD;
      totals.lastUs = chunk.lastUs;
    }
    this.#hash = chunk.hash;
    this.#pass(chunk.end);
  }
}

/** Decodes a recording and checks every chunk of it. Of a live session: what there is so far. */
export async function decode(file: Bytes): Promise<Recording> {
  const decoder = new Decoder();
  if (file.length < MAGIC.length) return { ...decoder.recording, damage: 'this is no recording' };
  await decoder.take(file);
  return decoder.recording;
}
