/** Signing in to the mock: anybody with the code 123456. */

import { HttpResponse, http } from 'msw';
import type { ConsoleSession, Credentials } from '../api/console.ts';
import { json, problem } from './reply.ts';

const KEY = 'lodge.mock.user';

const KINDS = ['users', 'roles', 'targets', 'locks'];
const MAY = [
  ...KINDS.flatMap((kind) => ['list', 'read', 'create', 'update', 'delete'].map((verb) => `${kind}.${verb}`)),
  ...['sessions.list', 'sessions.read', 'sessions.watch', 'sessions.kill', 'recordings.watch', 'recordings.export'],
  ...[
    'log.read',
    'log.export',
    'log.verify',
    'proofs.read',
    'authorities.list',
    'authorities.read',
    'authorities.rotate',
  ],
];

const session = (user: string): ConsoleSession => ({
  user,
  roles: ['admin', 'auditor'],
  may: MAY,
  csrf_token: 'mock-token',
  expires: new Date(Date.now() + 8 * 3_600_000).toISOString(),
});

// A service worker's answers are made in the page, so the page's own storage is at hand.
const user = () => localStorage.getItem(KEY) ?? 'alice';

export const consoleHandlers = [
  http.get('/v1/console/session', () =>
    user() ? json(session(user())) : problem(401, 'unauthenticated', 'nobody is signed in here'),
  ),
  http.post('/v1/console/login', async ({ request }) => {
    const { name, code } = (await request.json()) as Credentials;
    if (code !== '123456') {
      return problem(
        401,
        'login',
        'name, password or code is wrong; after five failures the name is locked for a while',
      );
    }
    localStorage.setItem(KEY, name);
    return new HttpResponse(null, { status: 204 });
  }),
  http.post('/v1/console/logout', () => {
    localStorage.setItem(KEY, '');
    return new HttpResponse(null, { status: 204 });
  }),
];
