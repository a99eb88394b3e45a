/** Recordings of the mock: real files, with chunks, chain and seal, so that the player's checks have something to check. */

import { sha256 } from '@noble/hashes/sha2.js';
import { crc32c } from '../player/crc32c.ts';
import { hex, join, utf8 } from '../proof/bytes.ts';
import type { MockSession } from './sessions.ts';

const CHAIN = join(utf8('lodge/recording/v1'), new Uint8Array([0]));

function number(value: number): Uint8Array {
  const bytes: number[] = [];
  let rest = value;
  do {
    bytes.push((rest % 128) | (rest >= 128 ? 0x80 : 0));
    rest = Math.floor(rest / 128);
  } while (rest > 0);
  return new Uint8Array(bytes);
}

const run = (text: string) => join(number(utf8(text).length), utf8(text));

function output(command: string): string {
  const lines: Record<string, string[]> = {
    df: [
      'Filesystem      Size  Used Avail Use% Mounted on',
      '/dev/vda1        78G   41G   34G  \x1b[33m55%\x1b[0m /',
      'tmpfs           3.9G     0  3.9G   0% /dev/shm',
    ],
    systemctl: [
      '\x1b[1;32m●\x1b[0m nginx.service - A high performance web server',
      '     Active: \x1b[1;32mactive (running)\x1b[0m since Mon 2026-11-23 08:12:04 UTC',
      '   Main PID: 871 (nginx)',
    ],
    tail: Array.from(
      { length: 14 },
      (_, at) =>
        `2026/11/23 09:${10 + at}:31 [error] 871#871: *${4000 + at} upstream timed out, client: 203.0.113.${at}`,
    ),
    ls: [
      'total 48',
      'drwxr-xr-x 6 deploy deploy 4096 Nov 20 11:02 \x1b[1;34mapp\x1b[0m',
      '-rw-r--r-- 1 deploy deploy  812 Nov 20 11:02 package.json',
      '-rwxr-xr-x 1 root   root   9120 Nov 18 07:45 \x1b[1;32mdeploy.sh\x1b[0m',
    ],
    git: [
      'Updating 3fa91c2..b81e0d4',
      'Fast-forward',
      ' app/server.ts | 12 \x1b[32m++++++\x1b[31m------\x1b[0m',
      ' 1 file changed, 6 insertions(+), 6 deletions(-)',
    ],
    psql: [' count ', '-------', ' 18201', '(1 row)'],
    cat: [
      'worker_processes auto;',
      'events { worker_connections 1024; }',
      'http {',
      '  server { listen 443 ssl; }',
      '}',
    ],
  };
  const found = lines[command.split(' ')[0] ?? ''] ?? ['done'];
  return found.map((line) => `${line}\r\n`).join('');
}

/** Frames of the session: a prompt, each command as it is typed, what it answers. */
function frames(session: MockSession): { us: number; bytes: (passed: number) => Uint8Array }[] {
  const made: { us: number; bytes: (passed: number) => Uint8Array }[] = [];
  const length = (session.ended ? Date.parse(session.ended) : Date.now()) - Date.parse(session.started);
  const add = (ms: number, tag: number, content: Uint8Array) =>
    made.push({
      us: Math.round(ms * 1000),
      bytes: (passed) => join(new Uint8Array([tag]), number(passed), number(0), content),
    });
  const prompt = `\x1b]0;${session.target}\x07\x1b[1;32m${session.login}@${session.target}\x1b[0m:\x1b[1;34m~\x1b[0m$ `;
  add(80, 1, join(run('xterm-256color'), number(100), number(28)));
  add(
    120,
    3,
    run(`Linux ${session.target} 6.1.0-26-amd64 x86_64\r\n\r\nLast login: Mon Nov 23 07:58:12 2026\r\n${prompt}`),
  );
  session.commands.forEach((command, at) => {
    const begin = ((at + 1) / (session.commands.length + 1)) * length;
    [...command].forEach((letter, place) => {
      add(begin - (command.length - place) * 70, 3, run(letter));
    });
    add(begin, 3, run('\r\n'));
    add(begin + 240, 3, run(`${output(command)}${prompt}`));
  });
  if (session.ended) add(length - 60, 3, run('logout\r\n'));
  if (session.ended) add(length - 20, 7, number(1));
  return made.sort((a, b) => a.us - b.us);
}

interface Totals {
  chunks: number;
  frames: number;
  bytes: number;
  lastUs: number;
}

export function recordingOf(session: MockSession): { file: Uint8Array<ArrayBuffer>; root: string } {
  const parts: Uint8Array[] = [utf8('lodge/recording/v1\n')];
  const totals: Totals = { chunks: 0, frames: 0, bytes: 0, lastUs: 0 };
  let hash: Uint8Array = new Uint8Array(32);
  const chunk = (kind: number, content: Uint8Array, count: number, firstUs: number, lastUs: number) => {
    const fields = new Uint8Array(30);
    const view = new DataView(fields.buffer);
    view.setUint8(0, kind);
    view.setUint32(2, content.length);
    view.setUint32(6, content.length);
    view.setUint32(10, count);
    view.setBigUint64(14, BigInt(firstUs));
    view.setBigUint64(22, BigInt(lastUs));
    const sum = new Uint8Array(4);
    new DataView(sum.buffer).setUint32(0, crc32c(fields, content));
    hash = sha256(join(CHAIN, hash, fields, content));
    parts.push(fields, sum, hash, content);
    if (kind === 3) return;
    totals.chunks += 1;
    totals.frames += count;
    totals.bytes += content.length;
    totals.lastUs = lastUs;
  };
  const { id, started, user, login, target } = session;
  chunk(1, utf8(JSON.stringify({ session: id, started, user, login, target, protocol: 'ssh' })), 0, 0, 0);
  const all = frames(session);
  for (let at = 0; at < all.length; at += 50) {
    const some = all.slice(at, at + 50);
    const [first, last] = [some[0]?.us ?? 0, some.at(-1)?.us ?? 0];
    const content = some.map((frame, index) => frame.bytes(frame.us - (some[index - 1]?.us ?? first)));
    chunk(2, join(...content), some.length, first, last);
  }
  if (session.ended) {
    const seal = new Uint8Array(41);
    const view = new DataView(seal.buffer);
    [totals.chunks, totals.frames, totals.bytes, totals.bytes, totals.lastUs].forEach((value, at) => {
      view.setBigUint64(1 + at * 8, BigInt(value));
    });
    chunk(3, seal, 0, totals.lastUs, totals.lastUs);
  }
  return { file: join(...parts), root: hex(hash) };
}
