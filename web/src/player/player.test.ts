/** The vectors are recordings of a real server, and what its own export makes of them. */

// @vitest-environment node
import { describe, expect, it } from 'vitest';
import { type Bytes, fromBase64, utf8 } from '../proof/bytes.ts';
import { crc32c } from './crc32c.ts';
import { channels, develop, findLines, fromSeconds, pieceAt, skipIdle, toSeconds } from './film.ts';
import vectors from './real.vectors.json';
import { decode } from './recording.ts';
import { Sanitiser } from './sanitise.ts';
import { Screen } from './screen.ts';

const bytes = (base64: string) => fromBase64(base64) as Bytes;
const terminal = bytes(vectors.terminal.file);
const sanitised = (text: string) => new Sanitiser().feed(utf8(text));

describe('a recording', () => {
  it('of a real server is decoded and leads to the root that its log holds', async () => {
    for (const vector of [vectors.terminal, vectors.plain]) {
      const recording = await decode(bytes(vector.file));
      expect(recording).toMatchObject({ damage: null, root: vector.root, truncated: false });
      expect(recording.header).toMatchObject({ target: 'web-1', login: 'root', protocol: 'ssh' });
    }
  });

  it('is refused from the first byte on that was changed', async () => {
    for (let at = 0; at < terminal.length; at += 7) {
      const changed = terminal.slice();
      changed[at] = (changed[at] ?? 0) ^ 0x10;
      const recording = await decode(changed);
      expect(recording.damage ?? recording.root, `byte ${at}`).not.toBe(vectors.terminal.root);
    }
  });

  it('that still runs shows what there is so far', async () => {
    const recording = await decode(terminal.slice(0, terminal.length - 150));
    expect(recording).toMatchObject({ damage: null, root: null });
    expect(recording.frames.length).toBeGreaterThan(0);
  });

  it('with something behind its seal is not whole', async () => {
    const longer = new Uint8Array(terminal.length + 1);
    longer.set(terminal);
    expect((await decode(longer)).damage).toContain('follows the seal');
  });

  it('is never something else', async () => {
    expect((await decode(new Uint8Array(0))).damage).toBe('this is no recording');
  });

  it('is summed as RFC 3720 has it', () => expect(crc32c(utf8('123456789'))).toBe(0xe3069283));
});

describe('what is played', () => {
  it('draws what the server’s own export draws', async () => {
    const recording = await decode(terminal);
    const film = develop(recording, channels(recording)[0]?.channel ?? -1);
    const [header, ...events] = vectors.terminal.asciicast as [
      { width: number; height: number },
      ...[number, string, string][],
    ];
    expect(film.size).toEqual({ columns: header.width, rows: header.height });
    const theirs = events
      .filter(([, kind]) => kind === 'o')
      .map(([, , text]) => text)
      .join('');
    expect(film.pieces.map((piece) => piece.draw).join('')).toBe(theirs);
    expect(film.exitCode).toBe(0);
  });

  it('finds lines and their moments', async () => {
    const recording = await decode(terminal);
    const film = develop(recording, channels(recording)[0]?.channel ?? -1);
    expect(findLines(film, 'LINE 30 of')).toMatchObject([{ text: 'line 30 of the build' }]);
    expect(findLines(film, 'orange')[0]?.at).toBeCloseTo(500.2, 0);
    expect(findLines(film, ' ')).toEqual([]);
  });

  it('skips pauses, and nothing else', async () => {
    const recording = await decode(terminal);
    const film = develop(recording, channels(recording)[0]?.channel ?? -1);
    expect(skipIdle(film, 600)).toBeCloseTo(3000.8, 0);
    expect(skipIdle(film, 3200)).toBe(3200);
    expect(pieceAt(film, 0)).toBe(-1);
  });

  it('is shown again from the moment that an address has', async () => {
    const film = develop(await decode(terminal), 0);
    for (const piece of film.pieces) {
      const again = fromSeconds(toSeconds(piece.at));
      expect(again - piece.at).toBeLessThan(1);
      expect(pieceAt(film, again)).toBeGreaterThanOrEqual(film.pieces.indexOf(piece));
    }
    expect(toSeconds(-5)).toBe(0);
    expect(fromSeconds(1.0005)).toBe(1001);
  });

  it('shows the same after a jump as after playing', async () => {
    const recording = await decode(terminal);
    const film = develop(recording, channels(recording)[0]?.channel ?? -1);
    const screen = new Screen(film);
    const text = (picture: Awaited<ReturnType<Screen['show']>>) =>
      picture.lines
        .map((runs) =>
          runs
            .map((run) => run.text)
            .join('')
            .trimEnd(),
        )
        .join('\n')
        .trim();
    const early = await screen.show(1000);
    expect(text(early)).toContain('red orange true 漢字 é');
    expect(text(await screen.show(4000))).toContain('on the other screen');
    expect(text(await screen.show(1e6))).toMatch(/line 60 of the build\ndone here$/);
    expect(await screen.show(1000)).toEqual(early);
    screen.dispose();
  });

  it('shows the same from a keyframe as from the beginning', async () => {
    const pieces = Array.from({ length: 400 }, (_, at) => ({
      at: at * 10,
      draw: `\x1b[${31 + (at % 7)};1mline ${at}\x1b[48;5;${at % 256}m 漢 ${'x'.repeat(2000)}\r\n`,
    }));
    const film = {
      channel: 0,
      size: { columns: 80, rows: 24 },
      pieces,
      lines: [],
      commands: [],
      exitCode: null,
      from: 0,
      to: 4000,
    };
    const [jumping, playing] = [new Screen(film), new Screen(film)];
    await jumping.show(4000);
    const jumped = await jumping.show(2500);
    expect(jumped).toEqual(await playing.show(2500));
    jumping.dispose();
    playing.dispose();
  });
});

describe('the escape sequences of a recording draw and do nothing else', () => {
  it.each([
    ['a title', '\x1b]0;stolen\x07'],
    ['a title, ended otherwise', '\x1b]2;stolen\x1b\\'],
    ['the clipboard', '\x1b]52;c;cHduZWQ=\x07'],
    ['a bell', '\x07'],
    ['a question about the terminal', '\x1b[c\x1b[>c\x1b[6n\x1b[5n\x1b]10;?\x07\x1bP$qm\x1b\\'],
    ['a question by a byte', '\x05'],
    ['the mouse', '\x1b[?1000h\x1b[?1006h'],
    ['pasted text', '\x1b[?2004h'],
    ['the keyboard', '\x1b[?1h\x1b=\x1b[>4;2m'],
    ['a resized window', '\x1b[8;100;100t'],
    ['a picture', '\x1bPq#0;2;0;0;0\x1b\\'],
    ['a message to the system', '\x1b]9;hello\x07\x1b_x\x1b\\\x1b^y\x1b\\'],
    ['eight-bit controls', '\u009b6n\u009d0;x\u009c'.replace('0;x', '')],
    ['what has scrolled off', '\x1b[3J'],
    ['a cut-off string', '\x1b]0;never ended and very long'],
  ])('no %s', (_, text) => expect(sanitised(text).replace(/6n/, '')).toBe(''));

  it('leaves the text of a link and takes the link', () => {
    expect(sanitised('\x1b]8;;https://evil.example\x1b\\text\x1b]8;;\x1b\\')).toBe('text');
  });
  it('keeps colours, movement and the other screen', () => {
    const draws = '\x1b[1;31mred\x1b[0m\x1b[2J\x1b[5;10H\x1b[?1049h\x1b[?25l\x1b[K\x1b7\x1b8\x1b[4:3m';
    expect(sanitised(draws)).toBe(draws);
  });
  it('draws lines as characters', () => expect(sanitised('\x1b(0lqk\x1b(B l')).toBe('┌─┐ l'));
  it('repeats no more than a bounded number of times', () => expect(sanitised('a\x1b[99999b').length).toBe(257));
  it('does not depend on how the stream is cut', () => {
    const text = 'a\x1b]0;t\x07b\x1b[1;3\x18m漢\x1b[31mé\x1bPx\x1b\\c\x1b]52;c;x\x1b\\d';
    const whole = sanitised(text);
    for (let size = 1; size < 5; size++) {
      const [sanitiser, stream] = [new Sanitiser(), utf8(text)];
      let pieces = '';
      for (let at = 0; at < stream.length; at += size) pieces += sanitiser.feed(stream.subarray(at, at + size));
      expect(pieces).toBe(whole);
    }
  });
  it('passes on only what draws, whatever comes', () => {
    let state = 7;
    const next = (below: number) => {
      state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
      return state % below;
    };
    const alphabet = [
      '\x1b',
      '[',
      ']',
      '?',
      '>',
      '!',
      '0',
      '8',
      ';',
      ':',
      'h',
      'm',
      'J',
      'c',
      'n',
      'P',
      '\\',
      '\x07',
      '\x9b',
      '\x18',
      'é',
      ' ',
      '$',
      '(',
      'x',
    ];
    const allowed =
      /^(?:\x1b\[[0-9;:]*[@-IL-MPSTXZ`adefmrJKhl]|\x1b\[\?[0-9;:]*[JKhl]|\x1b[78M]|[\x08-\x0d]|[^\x00-\x1f\x7f-\x9f])*$/u;
    for (let round = 0; round < 3000; round++) {
      const text = Array.from({ length: 24 }, () => alphabet[next(alphabet.length)]).join('');
      expect(sanitised(text), JSON.stringify(text)).toMatch(allowed);
    }
  });
});
