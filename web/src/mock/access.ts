import { HttpResponse, http } from 'msw';
import { parse, stringify } from 'yaml';
import { json, problem } from './reply.ts';
import { ago } from './world.ts';

type Document = Record<string, unknown> & { kind: string; name: string };

const PRESETS = ['admin', 'access', 'auditor'];
const resources: Document[] = [
  ...['web-1', 'web-2', 'db-prod-1', 'bastion'].map((name) => ({
    kind: 'target',
    name,
    address: `${name}.example.com:22`,
    labels: { env: name.startsWith('db') ? 'prod' : 'staging', team: 'web' },
    host_key:
      name === 'bastion'
        ? { authority: 'bastion.example.com' }
        : { pinned: ['ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAXDsLohN3t'] },
  })),
  {
    kind: 'role',
    name: 'admin',
    description: 'Administers everything; reaches no target by itself',
    allow: [{ api: [{ resources: ['*'], verbs: ['*'] }] }],
  },
  {
    kind: 'role',
    name: 'access',
    description: 'Reaches every target under the own name',
    allow: [{ labels: { '*': ['*'] }, logins: ['{{user.name}}'] }],
  },
  {
    kind: 'role',
    name: 'auditor',
    description: 'Reads the log and the recordings',
    allow: [{ api: [{ resources: ['log'], verbs: ['read'] }] }],
  },
  {
    kind: 'role',
    name: 'developer',
    description: 'Staging freely, the bastion from the office',
    allow: [
      { labels: { env: ['staging', 'dev-*'] }, logins: ['deploy', '{{user.traits.logins}}'] },
      { targets: ['bastion'], logins: '{{user.name}}', from: '192.0.2.0/24' },
    ],
    deny: [{ labels: { tier: 'database' } }],
    options: { session_ttl: '4h', port_forwarding: true },
  },
  { kind: 'lock', name: 'incident-42', user: 'mallory', reason: 'laptop stolen', expires: '2030-01-31T18:00:00Z' },
];

const user = (name: string, roles: string[], status = 'active', codes = 10) => ({
  name,
  roles,
  status,
  traits: name === 'dmitri' ? {} : { logins: ['deploy', name] },
  created: new Date(ago(30 * 86_400)).toISOString(),
  recovery_codes: codes,
  locked_until: null as string | null,
});
const users = [
  user('alice', ['admin', 'developer']),
  user('bob', ['developer'], 'active', 2),
  user('carol', ['auditor']),
  user('dmitri', ['developer'], 'invited', 0),
  { ...user('erin', ['developer']), locked_until: new Date(ago(-900)).toISOString() },
  user('mallory', [], 'disabled'),
];
const authorities = ['user', 'host', 'gate', 'x509'].map((kind) => ({
  kind,
  phase: kind === 'gate' ? 'overlapping' : 'steady',
  signing: 'SHA256:mZ4cQNXNsziQ1HuNxe+k68LW6EHpx/SH+xfGXRGlgOE',
  trusted: ['ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIMBGz8Fvcb8vAvqpzEeTkLF3CUTvN5da1XL11z7MYcof'],
}));

const shown = (document: Document) => ({
  kind: document.kind,
  name: document.name,
  preset: document.kind === 'role' && PRESETS.includes(document.name),
  document,
  yaml: stringify(document),
});
const ofKind = (kind: unknown) => resources.filter((document) => `${document.kind}s` === kind);
const invite = (name: string) => ({
  user: name,
  expires: new Date(ago(-86_400)).toISOString(),
  url: 'https://gate.example.com:3080/invite/VVCxcunixkIkce10x9ErkUuZMOHV6tId4gKnZhu-eOM#sha256:909cb4f4c63c94d2',
});

export const accessHandlers = [
  http.get('/v1/access/explain', ({ request }) => {
    const query = new URL(request.url).searchParams;
    const [name, target] = [query.get('user') ?? '', query.get('target') ?? ''];
    const allowed = name !== 'mallory' && !target.startsWith('db');
    const verdict = allowed
      ? `${name} may reach ${target}: allowed by role \`developer\`, allow rule 1`
      : `${name} may not reach ${target}: no role allows it`;
    const rest = allowed
      ? '  logins: deploy, alice\n  role `developer`, deny rule 1: does not apply (another target)\n  role `developer`, allow rule 1: allows it\n'
      : '  role `developer`, allow rule 1: does not apply (another target)\n';
    return json({ allowed, reasoning: {}, text: `${verdict}\n${rest}` });
  }),
  http.post('/v1/apply', async ({ request }) => {
    const document = parse(await request.text()) as Document;
    if ('lables' in document)
      return problem(400, 'yaml', 'line 4, column 1: unknown key `lables`; did you mean `labels`?');
    const at = resources.findIndex((known) => known.kind === document.kind && known.name === document.name);
    if (at >= 0) resources[at] = document;
    else if (document.kind !== 'user') resources.push(document);
    const known = users.find((one) => document.kind === 'user' && one.name === document.name);
    if (known) known.roles = document.roles as string[];
    return json([{ kind: document.kind, name: document.name, change: at >= 0 || known ? 'updated' : 'created' }]);
  }),
  http.get('/v1/authorities', () => json(authorities)),
  http.post('/v1/authorities/:kind/rotate', async ({ request, params }) => {
    const { step } = (await request.json()) as { step: string };
    const authority = authorities.find((one) => one.kind === params.kind);
    if (!authority) return problem(404, 'not_found', 'there is no such authority');
    authority.phase = { prepare: 'prepared', overlap: 'overlapping' }[step] ?? 'steady';
    return json(authority);
  }),
  http.get('/v1/users', () => json(users)),
  http.post('/v1/users', async ({ request }) => {
    const { name, roles } = (await request.json()) as { name: string; roles: string[] };
    if (users.some((one) => one.name === name)) return problem(409, 'exists', `there is a user ${name} already`);
    users.push(user(name, roles, 'invited', 0));
    return json(invite(name), 201);
  }),
  http.patch('/v1/users/:name', async ({ request, params }) => {
    const known = users.find((one) => one.name === params.name);
    const { disabled } = (await request.json()) as { disabled?: boolean };
    if (!known) return problem(404, 'not_found', 'there is no such user');
    known.status = disabled ? 'disabled' : 'active';
    return json(known);
  }),
  http.post('/v1/users/:name/reset', ({ params }) => json(invite(String(params.name)))),
  http.delete('/v1/users/:name', ({ params }) => {
    users.splice(0, users.length, ...users.filter((one) => one.name !== params.name));
    return new HttpResponse(null, { status: 204 });
  }),
  http.get('/v1/:kind', ({ params }) =>
    /^(roles|targets|locks)$/.test(String(params.kind)) ? json(ofKind(params.kind).map(shown)) : undefined,
  ),
  http.get('/v1/users/:name', ({ params }) => {
    const known = users.find((one) => one.name === params.name);
    return known ? json(known) : problem(404, 'not_found', 'there is no such user');
  }),
  http.get('/v1/:kind/:name', ({ params }) => {
    const known = ofKind(params.kind).find((one) => one.name === params.name);
    return known ? json(shown(known)) : undefined;
  }),
  http.delete('/v1/:kind/:name', ({ params }) => {
    const at = resources.findIndex((one) => `${one.kind}s` === params.kind && one.name === params.name);
    if (at < 0) return undefined;
    resources.splice(at, 1);
    return new HttpResponse(null, { status: 204 });
  }),
];
