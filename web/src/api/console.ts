/** The console's own endpoints: signing in with a browser. They carry a cookie, so no certificate is needed. */

import { LodgeError, problemOf } from './problem.ts';

/** Who is signed in here, and what a change must carry. */
export interface ConsoleSession {
  user: string;
  roles: string[];
  /** What of the API they may do now, such as `roles.update`. */
  may: string[];
  /** Goes back as `X-Lodge-CSRF` with every change. */
  csrf_token: string;
  /** RFC 3339. */
  expires: string;
}

export interface Credentials {
  name: string;
  password: string;
  code: string;
}

let token = '';

/** The token that changes carry; empty while nobody is signed in. */
export const csrfToken = () => token;

async function send(path: string, init: RequestInit): Promise<Response> {
  const headers = new Headers(init.headers);
  if (init.method === 'POST' && token) headers.set('X-Lodge-CSRF', token);
  const response = await fetch(path, { ...init, headers, credentials: 'same-origin' }).catch((cause: unknown) => {
    throw LodgeError.unreachable(cause);
  });
  if (!response.ok) throw await problemOf(response);
  return response;
}

/** Asks who is signed in; null when nobody is. */
export async function readSession(signal?: AbortSignal): Promise<ConsoleSession | null> {
  try {
    const response = await send('/v1/console/session', { method: 'GET', signal: signal ?? null });
    const session = (await response.json()) as ConsoleSession;
    token = session.csrf_token;
    return session;
  } catch (error) {
    if (error instanceof LodgeError && error.status === 401) {
      token = '';
      return null;
    }
    throw error;
  }
}

export async function signIn(credentials: Credentials): Promise<void> {
  await send('/v1/console/login', {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(credentials),
  });
}

export async function signOut(): Promise<void> {
  await send('/v1/console/logout', { method: 'POST' });
  token = '';
}
