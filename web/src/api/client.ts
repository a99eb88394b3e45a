/** The API's client. Its types come from docs/openapi.json. */

import createClient from 'openapi-fetch';
import { csrfToken } from './console.ts';
import { LodgeError, problemFrom } from './problem.ts';
import type { components, paths } from './schema';

export type Schemas = components['schemas'];
export type EventRow = Omit<Schemas['EventRow'], 'event'> & { event: LodgeEvent };

/** An event as the catalogue describes it; fields that a kind does not have are absent. */
export interface LodgeEvent {
  id: string;
  time: string;
  kind: string;
  outcome: 'success' | 'failure' | 'denied';
  reason?: string;
  actor: {
    user: string;
    type: string;
    roles?: string[];
    mfa?: string;
    identity_provider?: string;
    on_behalf_of?: string;
  };
  origin?: { ip?: string; port?: number; agent?: string };
  target?: { type?: string; name?: string; labels?: Record<string, string>; address?: string };
  session?: string;
  source?: { type?: string; name?: string; seq?: number };
  policy?: { decision?: string; roles?: string[]; why?: string };
  detail?: unknown;
  raw?: string;
}

export const api = createClient<paths>({
  baseUrl: globalThis.location?.origin ?? 'http://localhost',
  credentials: 'same-origin',
});

const signedOut = new Set<() => void>();

/** Tells when the server no longer knows who is asking. */
export function onSignedOut(listener: () => void): () => void {
  signedOut.add(listener);
  return () => signedOut.delete(listener);
}

api.use({
  onRequest({ request }) {
    if (request.method !== 'GET' && csrfToken()) request.headers.set('X-Lodge-CSRF', csrfToken());
    return request;
  },
  onError({ error }) {
    return LodgeError.unreachable(error);
  },
});

interface Answer<T> {
  data?: T;
  error?: unknown;
  response: Response;
}

/** Waits for an answer; throws what a person can act on where there is none. */
export async function answer<T>(asked: Promise<Answer<T>>): Promise<T> {
  const { data, error, response } = await asked;
  if (response.ok) return data as T;
  if (response.status === 401) for (const tell of signedOut) tell();
  throw problemFrom(response.status, (error ?? '') as string | object);
}

/** Fetches what is no JSON: recordings, exports, rows in another form. */
export async function fetchRaw(path: string, init: RequestInit = {}): Promise<Response> {
  const headers = new Headers(init.headers);
  if ((init.method ?? 'GET') !== 'GET') headers.set('X-Lodge-CSRF', csrfToken());
  const response = await fetch(path, { ...init, headers, credentials: 'same-origin' }).catch((cause: unknown) => {
    throw LodgeError.unreachable(cause);
  });
  if (response.ok) return response;
  if (response.status === 401) for (const tell of signedOut) tell();
  throw problemFrom(response.status, await response.text().catch(() => ''));
}
