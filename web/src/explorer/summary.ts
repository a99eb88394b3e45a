/** What an event says, in a line; by its kind where that is known, else by what its details hold. */

import type { LodgeEvent } from '../api/client.ts';

type Detail = Record<string, unknown>;

const word = (value: unknown): string =>
  value === undefined || value === null ? '' : typeof value === 'object' ? JSON.stringify(value) : String(value);

const BY_KIND: Record<string, (detail: Detail, event: LodgeEvent) => string> = {
  'user.login': (d) => `${word(d.user)} by ${word(d.method)}`,
  'user.locked_out': (d) => `${word(d.user)} after ${word(d.failures)} failures`,
  'cert.issue': (d) => `${word(d.usage)} for ${word(d.key_id)}`,
  'cert.deny': (d) => `${word(d.usage)} ${word(d.key_id)}`,
  'access.granted': (d, e) => `${word(d.login)} on ${e.target?.name ?? ''}`,
  'access.denied': (d, e) => `${word(d.login)} on ${e.target?.name ?? ''}: ${word(d.code)}`,
  'session.start': (d) => `${word(d.protocol)} as ${word(d.login)}, recording ${word(d.recording)}`,
  'session.end': (d) => `${Math.round(Number(d.duration_ms) / 1000)} s, ended by ${word(d.ended_by) || 'itself'}`,
  'session.command': (d) => word(d.command),
  'session.command_end': (d) => `exit ${word(d.exit_code)}${d.signal ? `, signal ${word(d.signal)}` : ''}`,
  'session.subsystem': (d) => word(d.name),
  'session.terminated': (d) => word(d.cause),
  'session.watched': (d) => (d.told ? 'told' : 'unseen'),
  'file.rename': (d) => `${word(d.path)} → ${word(d.new_path)}`,
  'forward.open': (d) => `${word(d.host)}:${word(d.port)}`,
  'forward.denied': (d) => `${word(d.host)}:${word(d.port)}: ${word(d.code)}`,
  'audit.searched': (d) => `${word(d.mode)} ${word(d.filter) || '*'} → ${word(d.rows)} rows`,
  'audit.queried': (d) => word(d.statement),
  'recording.viewed': (d) => `session ${word(d.recording)}`,
  'kube.audit': (d, e) =>
    `${word(d.verb)} ${e.target?.name ?? word(d.requestURI)} → ${word((d.responseStatus as Detail)?.code)}`,
  'log.opened': (d) => `${word(d.size)} entries, ${d.clean ? 'clean' : 'after a crash'}`,
};

export function summary(event: LodgeEvent): string {
  const detail = (typeof event.detail === 'object' && event.detail !== null ? event.detail : {}) as Detail;
  const known = BY_KIND[event.kind]?.(detail, event).trim();
  if (event.reason) return known ? `${known} – ${event.reason}` : event.reason;
  if (known) return known;
  if (event.kind.startsWith('file.')) return word(detail.path);
  if (typeof detail.name === 'string') return detail.name;
  if (event.raw) return event.raw;
  return Object.entries(detail)
    .filter(([, value]) => value !== null && typeof value !== 'object')
    .slice(0, 4)
    .map(([name, value]) => `${name} ${word(value)}`)
    .join(' · ');
}

/** The value of a dotted field; keys may hold dots themselves, so the longest that fits is taken. */
export function fieldOf(event: unknown, path: string): unknown {
  if (typeof event !== 'object' || event === null) return undefined;
  const object = event as Record<string, unknown>;
  if (Object.hasOwn(object, path)) return object[path];
  for (let at = path.lastIndexOf('.'); at > 0; at = path.lastIndexOf('.', at - 1)) {
    if (Object.hasOwn(object, path.slice(0, at))) return fieldOf(object[path.slice(0, at)], path.slice(at + 1));
  }
  return undefined;
}

/** Every field of an event that has a value, with its dotted name; lists stay whole. */
export function flatten(value: unknown, prefix = ''): [string, unknown][] {
  if (value === null || value === undefined) return [];
  if (typeof value !== 'object' || Array.isArray(value)) return [[prefix, value]];
  return Object.entries(value).flatMap(([name, inner]) => flatten(inner, prefix ? `${prefix}.${name}` : name));
}
