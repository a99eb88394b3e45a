import { http } from 'msw';
import { ROWS } from './events.ts';
import { json } from './reply.ts';

export const statusHandlers = [
  http.get('/v1/status', () =>
    json({
      user: localStorage.getItem('lodge.mock.user') ?? 'alice',
      roles: ['admin', 'auditor'],
      node: 'gate-1',
      version: '0.1.0',
      expires: new Date(Date.now() + 8 * 3_600_000).toISOString(),
      live_sessions: 3,
      log: {
        state: 'open',
        entries: ROWS.length,
        checkpoint_size: ROWS.length,
        checkpoint_time: new Date(Date.now() - 2100).toISOString(),
        stored_bytes: 2_341_000_000,
        free_bytes: 81_200_000_000,
        queued_bytes: 0,
      },
    }),
  ),
  http.get('/v1/archive', () =>
    json({
      segments: 14,
      sealed: ROWS.length - 40,
      searchable: ROWS.length,
      entries: ROWS.length,
      log_entries: ROWS.length,
      pruned_entries: 0,
      without_index: 0,
      data_bytes: 412_000_000,
      index_bytes: 96_000_000,
      leaves_bytes: 0,
      newest: new Date(Date.now() - 700_000).toISOString(),
      damaged: [],
    }),
  ),
  http.post('/v1/log/verify', async () => {
    await new Promise((done) => setTimeout(done, 800));
    return json({ damage: [], entries: ROWS.length, tree_size: ROWS.length, level: 'payload' });
  }),
];
