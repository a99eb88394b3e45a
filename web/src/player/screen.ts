/** The terminal that replays: xterm.js without a page, so that it can draw into its own memory and do nothing else. */

import { Terminal } from '@xterm/xterm';
import { type Film, pieceAt } from './film.ts';

/** A run of characters that look alike. */
export interface Run {
  text: string;
  /** How many columns it takes. */
  width: number;
  look: string;
  color?: string | undefined;
  background?: string | undefined;
}

export interface Picture {
  columns: number;
  lines: Run[][];
}

interface Keyframe {
  /** Index of the last piece that is in it. */
  piece: number;
  columns: number;
  rows: number;
  drawing: string;
}

/** About how much may have to be drawn again for a jump. */
const KEYFRAME_LETTERS = 256 * 1024;
const LONGEST_PEN = 400;

/** What a terminal keeps beside what it shows; a keyframe is taken only where all of it is known. */
class Hidden {
  cursor = true;
  /** What was said about colours since they were last reset. */
  pen = '';
  readonly #odd = new Set<string>();

  get known() {
    return this.#odd.size === 0 && this.pen.length < LONGEST_PEN;
  }

  take(text: string) {
    for (const [whole, mark, parameters = '', action, saved] of text.matchAll(
      /\x1b(?:\[([?!]?)([0-9;:]*)([@-~])|([78]))/g,
    )) {
      if (saved) this.#set('saved', saved === '7');
      else if (action === 'm') this.pen = /^0?$|^0;/.test(parameters) ? whole : this.pen + whole;
      else if (action === 'r') this.#set('margins', !/^[01]?$/.test(parameters));
      else if (action === 'h' || action === 'l') this.#mode(`${mark}${parameters}`, action === 'h');
    }
  }

  #mode(mode: string, on: boolean) {
    if (mode === '?25') this.cursor = on;
    else if (mode === '?7') this.#set(mode, !on);
    else if (mode === '?6' || mode === '4') this.#set(mode, on);
  }

  #set(name: string, odd: boolean) {
    if (odd) this.#odd.add(name);
    else this.#odd.delete(name);
  }
}

/** Replays a film: at any moment it holds the screen as it stood then. */
export class Screen {
  readonly #terminal: Terminal;
  readonly #keyframes: Keyframe[] = [];
  #piece = -1;
  #since = 0;
  #hidden = new Hidden();
  #busy: Promise<void> = Promise.resolve();

  constructor(readonly film: Film) {
    const { columns, rows } = film.size;
    this.#terminal = new Terminal({ cols: columns, rows, scrollback: 0, allowProposedApi: true, disableStdin: true });
  }

  dispose() {
    this.#terminal.dispose();
  }

  /** Shows the moment; forwards by what is missing, backwards from the nearest keyframe. */
  show(at: number): Promise<Picture> {
    const shown = this.#busy.then(async () => {
      const wanted = pieceAt(this.film, at);
      const keyframe = this.#keyframes.findLast((frame) => frame.piece <= wanted);
      if (wanted < this.#piece || (keyframe && keyframe.piece > this.#piece)) await this.#restore(keyframe);
      await this.#advance(wanted);
      return this.#picture();
    });
    this.#busy = shown.then(
      () => undefined,
      () => undefined,
    );
    return shown;
  }

  async #restore(keyframe: Keyframe | undefined) {
    this.#terminal.reset();
    const { columns, rows } = keyframe ?? this.film.size;
    this.#terminal.resize(columns, rows);
    if (keyframe) await this.#write(keyframe.drawing);
    this.#piece = keyframe?.piece ?? -1;
    this.#since = 0;
    this.#hidden = new Hidden();
  }

  async #advance(wanted: number) {
    let batch = '';
    for (let at = this.#piece + 1; at <= wanted; at++) {
      const piece = this.film.pieces[at];
      if (!piece) break;
      if (piece.size) {
        await this.#write(batch);
        batch = '';
        this.#terminal.resize(piece.size.columns, piece.size.rows);
      }
      batch += piece.draw;
      this.#since += piece.draw.length;
      this.#piece = at;
      if (this.#since < KEYFRAME_LETTERS) continue;
      await this.#write(batch);
      batch = '';
      this.#keep();
    }
    await this.#write(batch);
  }

  #write(text: string): Promise<void> {
    if (!text) return Promise.resolve();
    this.#hidden.take(text);
    return new Promise((done) => this.#terminal.write(text, done));
  }

  /** Keeps the screen as it stands now, where nothing else is hidden: the other screen hides a second one. */
  #keep() {
    if (this.#terminal.buffer.active.type !== 'normal' || !this.#hidden.known) return;
    this.#since = 0;
    const last = this.#keyframes.at(-1);
    if (last && last.piece >= this.#piece) return;
    const { cols, rows } = this.#terminal;
    const drawing =
      redraw(this.#picture(), this.#terminal.buffer.active.cursorX, this.#terminal.buffer.active.cursorY) +
      this.#hidden.pen +
      (this.#hidden.cursor ? '' : '\x1b[?25l');
    this.#keyframes.push({ piece: this.#piece, columns: cols, rows, drawing });
  }

  #picture(): Picture {
    const { buffer, cols, rows } = this.#terminal;
    const active = buffer.active;
    const lines: Run[][] = [];
    for (let y = 0; y < rows; y++) {
      const line = active.getLine(active.viewportY + y);
      const runs: Run[] = [];
      for (let x = 0; line && x < cols; x++) {
        const cell = line.getCell(x);
        if (!cell || cell.getWidth() === 0) continue;
        const look = [
          cell.isBold() ? 'b' : '',
          cell.isDim() ? 'd' : '',
          cell.isItalic() ? 'i' : '',
          cell.isUnderline() ? 'u' : '',
          cell.isStrikethrough() ? 's' : '',
          cell.isInvisible() ? 'h' : '',
          cell.isInverse() ? 'r' : '',
          this.#hidden.cursor && y === active.cursorY && x === active.cursorX ? 'c' : '',
        ].join('');
        const color = cell.isFgDefault() ? undefined : paint(cell.isFgRGB(), cell.getFgColor());
        const background = cell.isBgDefault() ? undefined : paint(cell.isBgRGB(), cell.getBgColor());
        const text = cell.getChars() || ' ';
        const before = runs.at(-1);
        const alike = before && before.look === look && before.color === color && before.background === background;
        // Wide characters stand alone, so that the columns behind them stay where they belong.
        if (alike && cell.getWidth() === 1 && before.width === before.text.length && text.length === 1) {
          before.text += text;
          before.width += 1;
        } else runs.push({ text, width: cell.getWidth(), look, color, background });
      }
      lines.push(runs);
    }
    return { columns: cols, lines };
  }
}

const BASE = ['black', 'red', 'green', 'yellow', 'blue', 'magenta', 'cyan', 'white'];
const STEPS = [0, 95, 135, 175, 215, 255];

/** A colour of the 16, of the 256, or any; the 16 are the page's own, to be readable on its ground. */
function paint(rgb: boolean, value: number): string {
  if (rgb) return `#${value.toString(16).padStart(6, '0')}`;
  if (value < 16) return `var(--ansi-${value < 8 ? '' : 'bright-'}${BASE[value % 8]})`;
  if (value >= 232)
    return `rgb(${Array(3)
      .fill(8 + (value - 232) * 10)
      .join(' ')})`;
  const at = value - 16;
  return `rgb(${STEPS[Math.floor(at / 36)]} ${STEPS[Math.floor(at / 6) % 6]} ${STEPS[at % 6]})`;
}

const SGR: Record<string, number> = { b: 1, d: 2, i: 3, u: 4, r: 7, h: 8, s: 9 };

/** Writes a picture as what draws it. */
function redraw({ lines }: Picture, x: number, y: number): string {
  const rows = lines.map((runs, row) => {
    const drawn = runs.map((run) => {
      const looks = [...run.look].map((look) => SGR[look]).filter((code) => code !== undefined);
      return `\x1b[${[0, ...looks, ...code(run.color, 38), ...code(run.background, 48)].join(';')}m${run.text}`;
    });
    return `\x1b[${row + 1};1H${drawn.join('')}`;
  });
  return `\x1b[?7l${rows.join('')}\x1b[0m\x1b[?7h\x1b[${y + 1};${x + 1}H`;
}

function code(color: string | undefined, kind: number): number[] {
  if (!color) return [];
  const base = /^var\(--ansi-(bright-)?(\w+)\)$/.exec(color);
  if (base) return [kind, 5, BASE.indexOf(base[2] ?? '') + (base[1] ? 8 : 0)];
  const parts = color.startsWith('#')
    ? [1, 3, 5].map((at) => Number.parseInt(color.slice(at, at + 2), 16))
    : (color.match(/\d+/g) ?? []).map(Number);
  return [kind, 2, ...parts];
}
