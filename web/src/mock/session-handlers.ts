import { HttpResponse, http } from 'msw';
import { channels, develop } from '../player/film.ts';
import { decode } from '../player/recording.ts';
import { ROWS } from './events.ts';
import { FilterMistake, parseFilter } from './filter.ts';
import { recordingOf } from './recording.ts';
import { json, problem } from './reply.ts';
import { type MockSession, SESSIONS } from './sessions.ts';

const shown = ({ commands: _, ...session }: MockSession) => ({
  ...session,
  recording_root: session.ended ? recordingOf({ commands: _, ...session }).root : null,
});
const found = (id: unknown) => SESSIONS.find((session) => session.id === id);
const nothing = () => problem(404, 'not_found', 'there is no session of this id, or none that you may see');

export const sessionHandlers = [
  http.get('/v1/sessions', ({ request }) => {
    const query = new URL(request.url).searchParams;
    try {
      const test = parseFilter(query.get('filter') ?? '');
      const starts = new Set(
        ROWS.filter(({ event }) => event.kind === 'session.start' && test(event)).map(({ event }) => event.session),
      );
      const sessions = SESSIONS.filter(
        (session) => starts.has(session.id) && (query.get('live') !== 'true' || !session.ended),
      );
      return json({ sessions: sessions.map(shown), next: null });
    } catch (error) {
      if (error instanceof FilterMistake) return problem(400, 'filter', error.message);
      throw error;
    }
  }),
  http.get('/v1/sessions/:id', ({ params }) => {
    const session = found(params.id);
    return session ? json(shown(session)) : nothing();
  }),
  http.delete('/v1/sessions/:id', ({ params }) => {
    const session = found(params.id);
    if (!session) return nothing();
    session.ended = new Date().toISOString();
    session.ended_by = 'terminated';
    return new HttpResponse(null, { status: 204 });
  }),
  http.get('/v1/recordings/search', async ({ request }) => {
    const text = (new URL(request.url).searchParams.get('text') ?? '').replaceAll('"', '').toLowerCase();
    const lines = [];
    for (const session of SESSIONS.slice(0, 20)) {
      const film = develop(await decode(recordingOf(session).file), 0);
      const { id, user, login, target, started } = session;
      for (const line of film.lines.filter((line) => line.text.toLowerCase().includes(text)).slice(0, 5)) {
        lines.push({
          session: id,
          user,
          login,
          target,
          started,
          at_ms: Math.floor(line.at),
          channel: 0,
          text: line.text,
        });
      }
    }
    return json({ lines, next: null, sessions_searched: 20 });
  }),
  http.get('/v1/recordings/:id/file', ({ params }) => {
    const session = found(params.id);
    if (!session) return nothing();
    return new HttpResponse(recordingOf(session).file, {
      headers: { 'Content-Type': 'application/octet-stream', 'lodge-live': session.ended ? 'false' : 'true' },
    });
  }),
  http.get('/v1/recordings/:id/export', async ({ params }) => {
    const session = found(params.id);
    if (!session) return nothing();
    const recording = await decode(recordingOf(session).file);
    return new HttpResponse(
      develop(recording, channels(recording)[0]?.channel ?? 0)
        .lines.map((line) => `${line.text}\n`)
        .join(''),
    );
  }),
];
