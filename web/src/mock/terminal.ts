/** A target that answers: an echo of what is typed, a few commands, and a home folder. */

import { HttpResponse, http, ws } from 'msw';
import { recordingOf } from './recording.ts';
import { json, problem } from './reply.ts';
import { SESSIONS } from './sessions.ts';

const TARGETS = [
  { name: 'web-1', labels: { env: 'prod', team: 'web' }, logins: ['deploy', 'root'] },
  { name: 'db-1', labels: { env: 'prod', team: 'data' }, logins: ['deploy'] },
  { name: 'bastion', labels: { env: 'ops' }, logins: ['alice'] },
];
const SAYS: Record<string, string> = {
  whoami: 'deploy',
  uptime: ' 09:31:07 up 41 days,  3:02,  1 user',
  pwd: '/home/deploy',
};
const FILES = new Map([
  ['notes.txt', 'remember the milk\n'],
  ['deploy.sh', '#!/bin/sh\n'],
]);

const socket = ws.link(/\/v1\/console\/terminal/);
const encoder = new TextEncoder();

export const terminalHandlers = [
  http.get('/v1/targets/reachable', () => json(TARGETS)),
  socket.addEventListener('connection', ({ client }) => {
    const query = client.url.searchParams;
    const prompt = `${query.get('login')}@${query.get('target')}:~$ `;
    const show = (text: string) => client.send(encoder.encode(text));
    const target = TARGETS.find(({ name }) => name === query.get('target'));
    const end = (exit_code: number, why: string | null) => {
      client.send(JSON.stringify({ end: { exit_code, why } }));
      client.close(1000);
    };
    if (!target) {
      end(255, `access denied: there is no target \`${query.get('target')}\` that you may reach`);
      return;
    }
    client.send(JSON.stringify({ session: SESSIONS[0]?.id ?? '' }));
    show(`Last login: Mon Nov 23 07:58:12 2026\r\n${prompt}`);
    let line = '';
    client.addEventListener('message', ({ data }) => {
      if (typeof data === 'string') return;
      for (const letter of new TextDecoder().decode(data as ArrayBuffer)) {
        if (letter !== '\r' && letter !== '\n') {
          line += letter;
          show(letter);
          continue;
        }
        if (line === 'exit') return end(0, null);
        show(`\r\n${line ? `${SAYS[line] ?? `${line}: command not found`}\r\n` : ''}${prompt}`);
        line = '';
      }
    });
  }),
  http.get('/v1/console/files', ({ request }) => {
    const path = new URL(request.url).searchParams.get('path') || '/home/deploy';
    if (path !== '/home/deploy') return problem(404, 'no_such_file', `the target has no ${path}`);
    const modified = '2026-11-20T11:02:00Z';
    const entries = [...FILES].map(([name, text]) => ({ name, kind: 'file', bytes: text.length, modified }));
    return json({
      path,
      entries: [{ name: 'app', kind: 'folder', bytes: 4096, modified }, ...entries],
      is_whole: true,
    });
  }),
  http.get('/v1/console/file', ({ request }) => {
    const name = new URL(request.url).searchParams.get('path')?.split('/').at(-1) ?? '';
    const text = FILES.get(name);
    return text === undefined ? problem(404, 'no_such_file', `the target has no ${name}`) : new HttpResponse(text);
  }),
  http.put('/v1/console/file', async ({ request }) => {
    const query = new URL(request.url).searchParams;
    const name = query.get('path')?.split('/').at(-1) ?? '';
    if (FILES.has(name) && query.get('overwrite') !== 'true')
      return problem(409, 'exists', `${name} exists on the target`);
    FILES.set(name, await request.text());
    return new HttpResponse(null, { status: 204 });
  }),
  http.get('/v1/sessions/:id/watch', ({ params }) => {
    const session = SESSIONS.find(({ id }) => id === params.id);
    if (!session || session.ended) return problem(404, 'not_found', 'no session of this id is open now');
    const { file } = recordingOf(session);
    const grows = new ReadableStream<Uint8Array>({ start: (stream) => stream.enqueue(file) });
    return new HttpResponse(grows, {
      headers: { 'Content-Type': 'application/octet-stream', 'lodge-watched-told': 'true' },
    });
  }),
];
