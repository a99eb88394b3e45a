/** Why a request failed, in words that a person can act on. */

import type { components } from './schema';

type Problem = components['schemas']['Problem'];

/** A request that failed: what, why, and what to do next. */
export class LodgeError extends Error {
  override readonly name = 'LodgeError';

  constructor(
    /** HTTP status; 0 where no answer came. */
    readonly status: number,
    /** Stable word for programs. */
    readonly code: string,
    /** What failed, in a few words. */
    readonly title: string,
    /** What happened this time. */
    detail: string,
    /** What to do next; empty where the detail says it. */
    readonly next = '',
    readonly requestId: string | null = null,
    options?: ErrorOptions,
  ) {
    super(detail, options);
  }

  static unreachable(cause: unknown): LodgeError {
    if (cause instanceof DOMException && cause.name === 'AbortError') throw cause;
    const next = navigator.onLine
      ? 'Check that the server runs (systemctl status lodge), then try again.'
      : 'This computer is offline. Connect it, then try again.';
    return new LodgeError(0, 'unreachable', 'Lodge does not answer', 'No connection could be made.', next, null, {
      cause,
    });
  }
}

const NEXT: Record<number, string> = {
  401: 'Sign in again.',
  403: 'Ask somebody who may change roles to give you this right.',
  429: 'Wait a few seconds, then try again.',
  500: 'Try again. If it stays, give the request id below to whoever runs this server.',
  502: 'Something between you and Lodge did not reach it. Try again in a moment.',
  503: 'The server is busy or stopping. Try again in a moment.',
  504: 'Ask for a shorter range of time, then try again.',
};

const TITLES: Record<number, string> = {
  400: 'This could not be understood',
  401: 'Nobody is signed in',
  403: 'Your roles do not allow this',
  404: 'There is nothing here',
  409: 'This is not possible now',
  429: 'Too many requests',
  501: 'This server cannot do this',
  503: 'The server cannot answer now',
};

/** Reads why a request failed from the server's answer. */
export async function problemOf(response: Response): Promise<LodgeError> {
  const text = await response.text().catch(() => '');
  return problemFrom(response.status, text);
}

/** Reads why a request failed from an answer's text, which need not be a problem document. */
export function problemFrom(status: number, body: string | object): LodgeError {
  let problem: Partial<Problem> = {};
  try {
    problem = typeof body === 'string' ? (JSON.parse(body) as Partial<Problem>) : (body as Partial<Problem>);
  } catch {
    // A proxy's page of its own says nothing that helps.
  }
  const title = TITLES[status] ?? problem.title ?? `The server answered with ${status}`;
  const detail = problem.detail ?? `The server gave no reason (HTTP ${status}).`;
  return new LodgeError(status, problem.code ?? '', title, detail, NEXT[status] ?? '', problem.request_id ?? null);
}

/** Makes any thrown thing an error that can be shown. */
export function shown(error: unknown): LodgeError {
  if (error instanceof LodgeError) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new LodgeError(0, 'console', 'The console failed', message, 'Load the page anew. If it stays, report it.');
}
