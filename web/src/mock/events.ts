/** Three days of a small company, made anew at every load, the same each time but for the clock. */

import type { EventRow, LodgeEvent } from '../api/client.ts';
import { SESSIONS } from './sessions.ts';
import { ago, idAt, pick, random, uuid } from './world.ts';

const PEOPLE = ['alice', 'bob', 'carol', 'dmitri', 'erin', 'mallory'];
const IPS = ['203.0.113.7', '198.51.100.23', '10.1.4.19', '10.1.7.3', '2001:db8::17'];
const AGENT = ['lodge/0.1.0', 'SSH-2.0-OpenSSH_9.2p1', 'kubectl/v1.31.2'];

const actor = (user: string): LodgeEvent['actor'] => ({
  user,
  type: 'human',
  roles: user === 'alice' ? ['admin', 'developer'] : ['developer'],
  mfa: 'totp',
  identity_provider: 'local',
});

function base(time: number, kind: string, user: string): LodgeEvent {
  const iso = `${new Date(time).toISOString().slice(0, -1)}${String(Math.floor(random() * 1000)).padStart(3, '0')}Z`;
  return {
    id: idAt(time),
    time: iso,
    kind,
    outcome: 'success',
    actor: actor(user),
    origin: {
      ip: IPS[PEOPLE.indexOf(user) % IPS.length] ?? '203.0.113.7',
      port: 40000 + Math.floor(random() * 9000),
      agent: pick(AGENT),
    },
  };
}

const WHY = { decision: 'allow', roles: ['developer'], why: 'allowed by role `developer`, allow rule 1' };

function ofSessions(): LodgeEvent[] {
  return SESSIONS.flatMap((session) => {
    const [from, to] = [Date.parse(session.started), session.ended ? Date.parse(session.ended) : Date.now()];
    const target = {
      type: 'ssh',
      name: session.target,
      labels: { env: session.target.startsWith('db') ? 'prod' : 'staging', team: 'web' },
    };
    const within = (time: number, kind: string, detail: unknown): LodgeEvent => ({
      ...base(time, kind, session.user),
      target,
      session: session.id,
      policy: WHY,
      detail,
    });
    const granted = within(from - 40, 'access.granted', {
      protocol: 'ssh',
      login: session.login,
      options: { recording: 'required', session_ttl: '8h' },
      expires: new Date(from + 28_800_000).toISOString(),
    });
    const events = [
      granted,
      within(from, 'session.start', {
        protocol: 'ssh',
        login: session.login,
        recording: 'required',
        record_input: false,
        granted_by: granted.id,
        granted_at: 1,
      }),
    ];
    session.commands.forEach((command, at) => {
      const time = from + ((at + 1) / (session.commands.length + 1)) * (to - from);
      events.push(within(time, 'session.command', { channel: 0, command, terminal: true }));
      if (/scp|cat|tail/.test(command)) {
        events.push(
          within(time + 300, 'file.download', {
            path: command.split(' ').at(-1),
            protocol: 'sftp',
            direction: 'from_target',
            bytes: 12_000 + at * 991,
          }),
        );
      }
    });
    if (session.ended) {
      events.push(
        within(to, 'session.end', {
          duration_ms: to - from,
          bytes_in: session.bytes_in,
          bytes_out: session.bytes_out,
          recording_root: session.recording_root,
          ended_by: session.ended_by,
        }),
      );
    }
    return events;
  });
}

function others(): LodgeEvent[] {
  const events: LodgeEvent[] = [];
  for (let at = 0; at < 2400; at++) {
    const time = ago(random() ** 1.4 * 72 * 3600);
    const user = pick(PEOPLE);
    const dice = random();
    if (dice < 0.12) {
      const failed = random() < 0.25;
      events.push({
        ...base(time, 'user.login', user),
        outcome: failed ? 'failure' : 'success',
        ...(failed ? { reason: 'the password or the code is wrong' } : {}),
        detail: {
          user,
          method: 'password+totp',
          ...(failed ? {} : { login: uuid(), expires: new Date(time + 43_200_000).toISOString() }),
        },
      });
    } else if (dice < 0.2) {
      events.push({
        ...base(time, 'access.denied', pick(['mallory', 'erin', 'bob'])),
        outcome: 'denied',
        reason: 'no role allows this login on this target',
        target: { type: 'ssh', name: 'db-prod-1', labels: { env: 'prod', tier: 'database' } },
        policy: { decision: 'deny', why: 'no role of this person allows `root` on `db-prod-1`' },
        detail: { protocol: 'ssh', login: 'root', code: 'no_role' },
      });
    } else if (dice < 0.5) {
      const code = random() < 0.08 ? 403 : 200;
      events.push({
        ...base(time, 'kube.audit', pick(['system:serviceaccount:ci:deployer', 'alice', 'dmitri'])),
        outcome: code === 403 ? 'denied' : 'success',
        actor: { user: pick(['system:serviceaccount:ci:deployer', 'alice', 'dmitri']), type: 'machine' },
        target: {
          type: 'kubernetes',
          name: pick(['pods/web-7f9c', 'secrets/db-password', 'deployments/web', 'configmaps/flags']),
        },
        source: { type: 'kubernetes', name: 'prod-eu', seq: at },
        detail: {
          verb: pick(['get', 'list', 'watch', 'patch', 'delete']),
          requestURI: '/api/v1/namespaces/web/pods',
          responseStatus: { code },
        },
      });
    } else if (dice < 0.75) {
      events.push({
        ...base(time, 'cert.issue', user),
        detail: {
          usage: 'ssh_user',
          serial: Math.floor(random() * 2 ** 40).toString(16),
          key_id: user,
          principals: [user],
          public_key: 'SHA256:9xq…',
        },
      });
    } else if (dice < 0.9) {
      events.push({
        ...base(time, 'audit.searched', pick(['alice', 'carol'])),
        policy: { decision: 'allow', roles: ['auditor'], why: 'allowed by role `auditor`, allow rule 1' },
        detail: {
          filter: pick(['outcome: denied', 'kind: session.*', '"/etc/shadow"']),
          rows: Math.floor(random() * 400),
          mode: 'search',
        },
      });
    } else {
      const kind = pick(['role.update', 'target.update', 'lock.create', 'user.update', 'recording.viewed']);
      events.push({
        ...base(time, kind, 'alice'),
        target: { type: kind.split('.')[0] ?? '', name: pick(['developer', 'web-1', 'incident-42', 'bob']) },
        detail:
          kind === 'recording.viewed'
            ? { recording: SESSIONS[3]?.id, from_ms: 0, format: 'terminal' }
            : { name: 'developer', before: { session_ttl: '8h' }, after: { session_ttl: '4h' } },
      });
    }
  }
  return events;
}

const sorted = [...ofSessions(), ...others()].sort((a, b) => a.time.localeCompare(b.time));

/** Every event, oldest first; the position is the place in it. */
export const ROWS: EventRow[] = sorted.map((event, position) => ({ position, log_time: event.time, event }));

/** Makes an event as if it had just happened, and takes it into the log. */
export function happen(): EventRow {
  const user = pick(PEOPLE);
  const denied = random() < 0.2;
  const event: LodgeEvent = {
    ...base(Date.now(), denied ? 'access.denied' : pick(['cert.issue', 'user.login', 'audit.searched']), user),
    ...(denied
      ? { outcome: 'denied' as const, reason: 'no role allows this', policy: { decision: 'deny', why: 'no role' } }
      : {}),
    detail: { user, login: 'root', code: 'no_role' },
  };
  const row = { position: ROWS.length, log_time: event.time, event };
  ROWS.push(row);
  return row;
}
