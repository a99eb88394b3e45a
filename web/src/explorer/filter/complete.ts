/** What could be typed next, at a place in a filter. */

import catalogue from '../catalogue.json';
import { quote } from './edit.ts';
import { type Token, tokenize, unquote } from './tokens.ts';

export interface FieldInfo {
  name: string;
  says: string;
  values?: string[];
}

/** Those that people ask for most. */
const FIRST = [
  'kind',
  'outcome',
  'actor.user',
  'target.name',
  'origin.ip',
  'session',
  'time',
  'reason',
  'detail.login',
  'detail.command',
];

/** Every field that the catalogue names: the usual ones first, then those of the envelope. */
export const FIELDS: FieldInfo[] = (() => {
  const named = new Map<string, FieldInfo>();
  const order: FieldInfo[] = [];
  for (const field of catalogue.envelope as FieldInfo[]) named.set(field.name, field);
  for (const kind of catalogue.kinds)
    for (const field of kind.fields as FieldInfo[]) if (!named.has(field.name)) named.set(field.name, field);
  for (const name of FIRST.toReversed()) {
    const field = named.get(name);
    if (!field) continue;
    named.delete(name);
    order.unshift(field);
  }
  return [...order, ...named.values()];
})();

const BY_NAME = new Map(FIELDS.map((field) => [field.name, field]));

export const fieldInfo = (name: string): FieldInfo | undefined => BY_NAME.get(name);

/** What stands at the caret, and what it would be replaced from and to. */
export interface Wanted {
  kind: 'field' | 'value';
  /** Of a value: its field. */
  field: string;
  /** What was typed of it. */
  prefix: string;
  from: number;
  to: number;
}

/** Finds out what is being typed at the caret. */
export function wantedAt(text: string, caret: number): Wanted {
  const tokens = tokenize(text);
  const touching = tokens.find((token) => token.start < caret && caret <= token.end);
  if (touching && /^(value|text|field|keyword)$/.test(touching.kind)) {
    const prefix = unquote(text.slice(touching.start, caret));
    const kind = touching.kind === 'value' ? 'value' : 'field';
    return { kind, field: touching.field ?? '', prefix, from: touching.start, to: touching.end };
  }
  const field = awaitedField(text, tokens, caret);
  return { kind: field ? 'value' : 'field', field, prefix: '', from: caret, to: caret };
}

/** The field of which a value should stand at the caret; empty where a condition should. */
function awaitedField(text: string, tokens: Token[], caret: number): string {
  const before = tokens.filter((token) => token.end <= caret);
  const last = before.at(-1);
  if (last?.kind === 'operator') {
    const named = before.at(-2);
    return named?.kind === 'field' ? text.slice(named.start, named.end) : '';
  }
  // Inside `field: (a or …`: whatever is typed here would be a value, which the tokenizer tells.
  const tried = tokenize(`${text.slice(0, caret)}x`).at(-1);
  return tried?.kind === 'value' ? (tried.field ?? '') : '';
}

export interface Suggestion {
  /** What is shown. */
  name: string;
  says: string;
  /** What is written in place of what was typed. */
  text: string;
}

const starts = (name: string, typed: string) => name.toLowerCase().startsWith(typed.toLowerCase());
const has = (name: string, typed: string) => name.toLowerCase().includes(typed.toLowerCase());

/** Fields whose name has what was typed: those that begin with it first. */
export function suggestFields(prefix: string, most = 10): Suggestion[] {
  const found = FIELDS.filter((field) => has(field.name, prefix));
  found.sort((a, b) => Number(starts(b.name, prefix)) - Number(starts(a.name, prefix)));
  return found.slice(0, most).map((field) => ({ name: field.name, says: field.says, text: `${field.name}: ` }));
}

/** Values that are known without asking: the few that a field can have, and kinds. */
export function knownValues(field: string): Suggestion[] {
  if (field === 'kind') {
    const families = [...new Set(catalogue.kinds.map((kind) => kind.name.split('.')[0]))];
    return [
      ...catalogue.kinds.map((kind) => ({ name: kind.name, says: kind.says, text: kind.name })),
      ...families.map((family) => ({ name: `${family}.*`, says: `every kind of ${family}`, text: `${family}.*` })),
    ];
  }
  return (fieldInfo(field)?.values ?? []).map((value) => ({ name: value, says: '', text: quote(value) }));
}

/** Puts known values before those that the log has, and keeps what has the prefix. */
export function suggestValues(field: string, prefix: string, fromLog: string[], most = 10): Suggestion[] {
  const known = knownValues(field).filter((value) => starts(value.name, prefix.replace(/\*$/, '')));
  const names = new Set(known.map((value) => value.name));
  const seen = fromLog
    .filter((value) => !names.has(value) && starts(value, prefix))
    .map((value) => ({ name: value || '(empty)', says: '', text: quote(value) }));
  const order = new Map(fromLog.map((value, at) => [value, at]));
  known.sort((a, b) => (order.get(a.name) ?? 1e6) - (order.get(b.name) ?? 1e6));
  return [...known, ...seen].slice(0, most);
}

/** Writes a suggestion into the filter; says where the caret then stands. */
export function accept(text: string, wanted: Wanted, suggestion: Suggestion): { text: string; caret: number } {
  const rest = text.slice(wanted.to).replace(wanted.kind === 'field' ? /^\s*:\s*/ : /^$/, '');
  const space = wanted.kind === 'value' && !/^[\s)]/.test(rest) ? ' ' : '';
  const written = suggestion.text + space;
  return { text: text.slice(0, wanted.from) + written + rest, caret: wanted.from + written.length };
}
