/** What a channel showed, as pieces that draw, each with its moment; and the lines in it, to search. */

import type { Frame, Recording } from './recording.ts';
import { Sanitiser } from './sanitise.ts';

export interface Size {
  columns: number;
  rows: number;
}

export interface Piece {
  /** Milliseconds from the session's beginning. */
  at: number;
  draw: string;
  size?: Size;
}

export interface Line {
  /** When its first letter was shown, and its last. */
  at: number;
  whole: number;
  text: string;
}

export interface Film {
  channel: number;
  size: Size;
  pieces: Piece[];
  lines: Line[];
  commands: { at: number; text: string }[];
  exitCode: number | null;
  from: number;
  to: number;
}

const PLAIN: Size = { columns: 80, rows: 24 };
const MOST: Size = { columns: 500, rows: 200 };
const LONGEST_LINE = 1000;

/** A size that can be drawn. A client that has no terminal itself asks for one of no size. */
const bounded = ({ columns, rows }: Size): Size => ({
  columns: Math.min(Math.max(columns || PLAIN.columns, 2), MOST.columns),
  rows: Math.min(Math.max(rows || PLAIN.rows, 1), MOST.rows),
});

/** The channels of a recording, those with a terminal first. */
export function channels(recording: Recording): { channel: number; name: string }[] {
  const names = new Map<number, string>();
  for (const frame of recording.frames) {
    if (frame.kind === 'terminal') names.set(frame.channel, `terminal ${frame.channel}`);
    else if (frame.kind === 'command' && !names.get(frame.channel)?.startsWith('terminal'))
      names.set(frame.channel, frame.command);
    else if (!names.has(frame.channel)) names.set(frame.channel, `channel ${frame.channel}`);
  }
  const found = [...names].map(([channel, name]) => ({ channel, name }));
  return found.sort((a, b) => Number(b.name.startsWith('terminal')) - Number(a.name.startsWith('terminal')));
}

/** Prepares a channel for playing: everything is sanitised once, before the first piece is drawn. */
export function develop(recording: Recording, channel: number): Film {
  const maker = new FilmMaker(channel);
  maker.take(recording.frames);
  maker.end();
  return maker.film;
}

/** Makes a film of the frames of a channel, as they come. */
export class FilmMaker {
  readonly film: Film;
  readonly #sanitiser = new Sanitiser();
  readonly #lines: Lines;
  #terminal = false;
  #begun = false;

  constructor(readonly channel: number) {
    this.film = { channel, size: PLAIN, pieces: [], lines: [], commands: [], exitCode: null, from: 0, to: 0 };
    this.#lines = new Lines(this.film.lines);
  }

  /** Takes further frames; those of other channels are passed over. */
  take(frames: Frame[]) {
    const own = frames.filter((frame) => frame.channel === this.channel);
    // What a channel showed before its terminal was asked for is drawn as on that terminal too.
    const terminal = own.find((frame) => frame.kind === 'terminal');
    if (terminal?.kind === 'terminal' && !this.#terminal) {
      this.#terminal = true;
      this.film.size = bounded(terminal);
    }
    for (const frame of own) {
      if (!this.#begun) this.film.from = frame.at;
      this.#begun = true;
      this.film.to = frame.at;
      this.#frame(frame);
    }
  }

  /** Ends the last line, which nothing follows. */
  end() {
    this.#lines.end();
  }

  #frame(frame: Frame) {
    const { film } = this;
    if (frame.kind === 'command') film.commands.push({ at: frame.at, text: frame.command });
    else if (frame.kind === 'end') film.exitCode = frame.exitCode;
    else if (frame.kind === 'terminal' || frame.kind === 'resize')
      film.pieces.push({ at: frame.at, draw: '', size: bounded(frame) });
    else if (frame.kind === 'output' || frame.kind === 'error') {
      const drawn = this.#sanitiser.feed(frame.bytes);
      // A command's output was never on a terminal, which would have turned its line ends into these.
      const draw = this.#terminal ? drawn : drawn.replace(/\r?\n/g, '\r\n');
      if (!draw) return;
      film.pieces.push({ at: frame.at, draw });
      this.#lines.feed(frame.at, draw);
    }
  }
}

/** Puts the text of a stream together to lines, as somebody would have read them. */
class Lines {
  #text: string[] = [];
  #column = 0;
  #at = 0;
  #whole = 0;
  constructor(readonly found: Line[]) {}

  feed(at: number, draw: string) {
    for (const [part] of draw.matchAll(/\x1b\[[?!]?[0-9;:]*[@-~]|\x1b.|[\s\S]/gu)) {
      if (part === '\n') this.end();
      else if (part === '\r') this.#column = 0;
      else if (part === '\b') this.#column = Math.max(0, this.#column - 1);
      else if (part.startsWith('\x1b')) this.#sequence(part);
      else if (part >= ' ' && this.#column < LONGEST_LINE) {
        if (this.#text.length === 0) this.#at = at;
        this.#whole = at;
        while (this.#text.length < this.#column) this.#text.push(' ');
        this.#text[this.#column] = part;
        this.#column += 1;
      } else if (part === '\t') this.#column += 8 - (this.#column % 8);
    }
  }

  #sequence(part: string) {
    const action = part.at(-1);
    const number = Number(/\d+/.exec(part)?.[0] ?? 0);
    if (action === 'K') this.#text.length = number === 0 ? Math.min(this.#column, this.#text.length) : 0;
    else if (action === 'C') this.#column = Math.min(this.#column + Math.max(1, number), LONGEST_LINE);
    else if (action === 'D') this.#column = Math.max(0, this.#column - Math.max(1, number));
    else if (action && 'HfJdABEFLM'.includes(action)) this.end();
  }

  end() {
    const text = this.#text.join('').trimEnd();
    if (text) this.found.push({ at: this.#at, whole: this.#whole, text });
    this.#text = [];
    this.#column = 0;
  }
}

/** Finds text in what was shown, letter case aside. */
export function findLines(film: Film, wanted: string, most = 500): Line[] {
  const needle = wanted.trim().toLowerCase();
  if (!needle) return [];
  return film.lines.filter((line) => line.text.toLowerCase().includes(needle)).slice(0, most);
}

/** The last piece at or before a moment; -1 before the first. */
export function pieceAt(film: Film, at: number): number {
  let [low, high] = [0, film.pieces.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((film.pieces[middle]?.at ?? 0) <= at) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

/** A moment as an address has it: seconds. Rounded up to a millisecond, so that what is shown then is shown again. */
export const toSeconds = (at: number): number => Math.ceil(Math.max(0, at)) / 1000;

/** The moment, in whole milliseconds, that an address means. */
export const fromSeconds = (seconds: number): number => Math.round(seconds * 1000);

const IDLE_MS = 2000;
/** How much of a pause is left before what ends it. */
const LEAD_MS = 500;

/** Where playing goes on after a moment, when pauses are skipped. */
export function skipIdle(film: Film, at: number): number {
  const next = film.pieces[pieceAt(film, at) + 1];
  if (!next || next.at - at < IDLE_MS) return at;
  return next.at - LEAD_MS;
}
