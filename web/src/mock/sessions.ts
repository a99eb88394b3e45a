/** Sessions of the mock; the recordings are made when one is asked for. */

import type { Schemas } from '../api/client.ts';
import { ago, idAt, pick, random } from './world.ts';

export type MockSession = Schemas['Session'] & { commands: string[] };

const COMMANDS = [
  'systemctl status nginx',
  'tail -n 40 /var/log/nginx/error.log',
  'df -h',
  'cat /etc/nginx/nginx.conf',
  'sudo systemctl restart nginx',
  'git -C /srv/web pull',
  'psql -c "select count(*) from orders"',
  'journalctl -u web --since -1h',
  'ls -la /srv/web',
  'top -b -n 1',
];

function session(at: number): MockSession {
  const live = at < 3;
  const started = ago(live ? 300 + at * 900 : at * 2900 + random() * 1800);
  const length = 60_000 + random() * 1_500_000;
  return {
    id: idAt(started),
    user: ['alice', 'bob', 'carol', 'dmitri'][at % 4] ?? 'alice',
    login: pick(['deploy', 'root', 'alice']),
    target: ['web-1', 'web-2', 'db-prod-1', 'bastion'][(at * 3) % 4] ?? 'web-1',
    origin: pick(['203.0.113.7', '10.1.4.19', '198.51.100.23']),
    started: new Date(started).toISOString(),
    ended: live ? null : new Date(started + length).toISOString(),
    ended_by: live ? null : pick(['client', 'client', 'target', 'idle']),
    bytes_in: Math.floor(random() * 20_000),
    bytes_out: Math.floor(random() * 900_000),
    recording_root: null,
    commands: Array.from({ length: 3 + Math.floor(random() * 6) }, () => pick(COMMANDS)),
  };
}

export const SESSIONS: MockSession[] = Array.from({ length: 64 }, (_, at) => session(at));
