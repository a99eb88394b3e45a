/**
 * Of a terminal's output this passes on only what draws.
 *
 * What a target wrote is hostile to whoever watches it: titles, the clipboard, links, bells, questions whose answers arrive
 * as if typed. The stream is parsed and written anew; printable text, movement, erasing, scrolling, colours, the other screen
 * and the cursor's visibility remain, everything else, known or not, disappears.
 */

type State = 'ground' | 'escape' | 'csi' | 'string' | 'stringEscape' | 'charset';

const MOST_PARAMETERS = 32;
const MOST_DIGITS = 5;
/** The most that "repeat the last character" repeats, so that six bytes cannot draw for minutes. */
const MOST_REPEATS = 256;
const RESET = '\x1b[0m\x1b[4l\x1b[?6l\x1b[?7h\x1b[?25h\x1b[?47l\x1b[0r\x1b[2J\x1b[1;1H';
const LINES = '◆▒␉␌␍␊°±␤␋┘┐┌└┼⎺⎻─⎼⎽├┤┴┬│≤≥π≠£·';
const MODES = new Set([6, 7, 25, 47, 1047, 1049]);
const MOVES = /^[A-I@LMPSXZ`adef]$/;

export class Sanitiser {
  readonly #decoder = new TextDecoder();
  #state: State = 'ground';
  #marks = '';
  #parameters = '';
  #charset = '';
  #lines = [false, false];
  #savedLines = [false, false];
  #shifted = 0;
  #last = '';
  #out = '';

  /** Takes a piece of the stream; returns what of it draws. How the stream is cut changes nothing. */
  feed(bytes: Uint8Array): string {
    this.#out = '';
    for (const letter of this.#decoder.decode(bytes, { stream: true })) this.#take(letter);
    return this.#out;
  }

  #take(letter: string) {
    const code = letter.codePointAt(0) ?? 0;
    // These end whatever is under way, also inside a string.
    if (code === 0x18 || code === 0x1a) {
      this.#state = 'ground';
    } else if (this.#state === 'string') {
      if (code === 0x1b) this.#state = 'stringEscape';
      else if (code === 0x07 || code === 0x9c) this.#state = 'ground';
    } else if (this.#state === 'stringEscape') {
      if (letter === '\\') this.#state = 'ground';
      else {
        this.#begin();
        this.#take(letter);
      }
    } else if (code === 0x1b) {
      this.#begin();
    } else if (code < 0x20) {
      this.#control(code);
    } else if (code >= 0x7f && code < 0xa0) {
      // Eight-bit controls; no UTF-8 terminal needs them.
    } else if (this.#state === 'ground') {
      this.#print(letter);
    } else if (this.#state === 'charset') {
      this.#chooseCharset(letter);
    } else if (this.#state === 'escape') {
      this.#escape(letter);
    } else {
      this.#sequence(letter, code);
    }
  }

  #begin() {
    this.#state = 'escape';
    this.#marks = '';
    this.#parameters = '';
  }

  #control(code: number) {
    if (code >= 0x08 && code <= 0x0d) this.#out += String.fromCharCode(code);
    else if (code === 0x0e) this.#shifted = 1;
    else if (code === 0x0f) this.#shifted = 0;
  }

  #print(letter: string) {
    const at = letter.charCodeAt(0) - 0x60;
    const drawn = this.#lines[this.#shifted] && at >= 0 ? (LINES[at] ?? letter) : letter;
    this.#last = drawn;
    this.#out += drawn;
  }

  #chooseCharset(letter: string) {
    if (this.#charset === '(' || this.#charset === ')') this.#lines[this.#charset === '(' ? 0 : 1] = letter === '0';
    this.#state = 'ground';
  }

  #escape(letter: string) {
    this.#state = 'ground';
    if (letter === '[') this.#state = 'csi';
    else if (/[\]PX^_]/.test(letter)) this.#state = 'string';
    else if (letter >= ' ' && letter <= '/') {
      this.#charset = letter;
      this.#state = 'charset';
    } else if (letter === '7') this.#save();
    else if (letter === '8') this.#restore();
    else if (letter === 'D') this.#out += '\n';
    else if (letter === 'E') this.#out += '\r\n';
    else if (letter === 'M') this.#out += '\x1bM';
    else if (letter === 'c') {
      this.#lines = [false, false];
      this.#shifted = 0;
      this.#out += RESET;
    }
  }

  #sequence(letter: string, code: number) {
    if (/[0-9;:]/.test(letter)) {
      // A mark before a number belongs to the sequence; one behind it is another sequence.
      if (this.#parameters.length < MOST_PARAMETERS * (MOST_DIGITS + 1)) this.#parameters += letter;
    } else if (code < 0x40) {
      if (this.#marks.length < 4) this.#marks += letter;
    } else {
      this.#state = 'ground';
      if (code < 0x7f) this.#draw(letter);
    }
  }

  #draw(action: string) {
    const groups = this.#parameters.split(';');
    if (
      groups.length > MOST_PARAMETERS ||
      groups.some((group) => group.split(':').some((number) => number.length > MOST_DIGITS))
    )
      return;
    const numbers = groups.map((group) => Number(group.split(':')[0] || 0));
    const [first = 0] = numbers;
    const count = this.#parameters === '' ? 0 : groups.length;
    const whole = `\x1b[${this.#parameters}${action}`;
    if (this.#marks === '!' && action === 'p') this.#out += '\x1b[0m\x1b[4l\x1b[?25h';
    else if (this.#marks === '?' && (action === 'h' || action === 'l'))
      for (const mode of numbers) this.#mode(mode, action);
    else if (/^\??$/.test(this.#marks) && (action === 'J' || action === 'K')) {
      // Erasing, but not what has scrolled off (3).
      if (count <= 1 && first <= 2) this.#out += whole;
    } else if (this.#marks !== '') return;
    else if (MOVES.test(action) && count <= 2) this.#out += whole;
    // With more parameters this would track the mouse.
    else if (action === 'T' && count <= 1) this.#out += whole;
    else if (action === 'm') this.#out += whole;
    else if (action === 'r' && count <= 2) this.#out += whole;
    else if (action === 'b' && count <= 1) this.#out += this.#last.repeat(Math.min(Math.max(first, 1), MOST_REPEATS));
    else if ((action === 'h' || action === 'l') && count === 1 && first === 4) this.#out += whole;
    else if (action === 's' && count <= 1 && first === 0) this.#save();
    else if (action === 'u' && count <= 1 && first === 0) this.#restore();
  }

  #mode(mode: number, action: string) {
    if (mode === 1048) {
      if (action === 'h') this.#save();
      else this.#restore();
    } else if (MODES.has(mode)) this.#out += `\x1b[?${mode === 1047 ? 47 : mode}${action}`;
  }

  #save() {
    this.#savedLines = [...this.#lines];
    this.#out += '\x1b7';
  }

  #restore() {
    this.#lines = [...this.#savedLines];
    this.#out += '\x1b8';
  }
}
