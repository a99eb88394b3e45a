/** The WebSocket of a terminal: bytes both ways, and a few messages about it (docs/api: `GET /v1/console/terminal`). */

import { csrfToken } from '../api/console.ts';

export interface Place {
  target: string;
  login: string;
}

export interface Size {
  columns: number;
  rows: number;
}

/** How a terminal ended, as far as it was said. */
export interface Ended {
  exitCode: number | null;
  why: string | null;
}

export interface Hears {
  onSession: (id: string) => void;
  onOutput: (bytes: Uint8Array) => void;
  /** Called once. Without an end of its own the connection broke off, or was never made. */
  onEnd: (end: Ended | null) => void;
}

const PROTOCOL = 'lodge-terminal-v1';
/** The longest message that the server takes. */
const LONGEST = 64 * 1024;

/** What the server says in text. */
export type Told = { session: string } | { end: Ended };

/** Reads a message of text; null where it is none that is known. */
export function readTold(text: string): Told | null {
  let told: unknown;
  try {
    told = JSON.parse(text);
  } catch {
    return null;
  }
  if (typeof told !== 'object' || told === null) return null;
  const { session, end } = told as { session?: unknown; end?: { exit_code?: unknown; why?: unknown } };
  if (typeof session === 'string') return { session };
  if (typeof end !== 'object' || end === null) return null;
  return {
    end: {
      exitCode: typeof end.exit_code === 'number' ? end.exit_code : null,
      why: typeof end.why === 'string' ? end.why : null,
    },
  };
}

/** Cuts what is typed or pasted into messages that the server takes. */
export function pieces(bytes: Uint8Array, longest = LONGEST): Uint8Array[] {
  const cut = [];
  for (let at = 0; at < bytes.length; at += longest) cut.push(bytes.subarray(at, at + longest));
  return cut;
}

export class TerminalSocket {
  readonly #socket: WebSocket;
  #ended = false;

  constructor({ target, login }: Place, { columns, rows }: Size, hears: Hears) {
    const query = new URLSearchParams({ target, login, columns: String(columns), rows: String(rows) });
    const address = `wss://${location.host}/v1/console/terminal?${query}`;
    // A page cannot send a header with this request, so the token goes as a sub-protocol.
    this.#socket = new WebSocket(address, [PROTOCOL, `lodge-csrf.${csrfToken()}`]);
    this.#socket.binaryType = 'arraybuffer';
    const end = (ended: Ended | null) => {
      if (this.#ended) return;
      this.#ended = true;
      hears.onEnd(ended);
    };
    this.#socket.onmessage = ({ data }: MessageEvent<ArrayBuffer | string>) => {
      if (typeof data !== 'string') return hears.onOutput(new Uint8Array(data));
      const told = readTold(data);
      if (told && 'session' in told) hears.onSession(told.session);
      else if (told) end(told.end);
    };
    this.#socket.onclose = () => end(null);
  }

  type(bytes: Uint8Array) {
    if (this.#socket.readyState !== WebSocket.OPEN) return;
    for (const piece of pieces(bytes)) this.#socket.send(new Uint8Array(piece));
  }

  resize({ columns, rows }: Size) {
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify({ resize: { columns, rows } }));
  }

  close() {
    this.#ended = true;
    this.#socket.close();
  }
}
