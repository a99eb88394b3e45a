/** Changes a filter by a click: includes a value, excludes it, takes it out again. */

import { tokenize } from './tokens.ts';

const BARE = /^[^\s(){}<>"\\*]+$/;
const WORDS = /^(and|or|not)$/i;

/** Writes a value so that it means exactly itself. */
export function quote(value: string): string {
  if (BARE.test(value) && !WORDS.test(value) && !value.endsWith(':')) return value;
  return `"${value.replace(/["\\]/g, '\\$&')}"`;
}

/** Whether an `or` stands outside all parentheses, so that `and` behind it would bind to its last part alone. */
function hasLooseOr(filter: string): boolean {
  let depth = 0;
  for (const token of tokenize(filter)) {
    if (token.kind === 'open') depth += 1;
    if (token.kind === 'close') depth -= 1;
    if (depth === 0 && token.kind === 'keyword' && filter.slice(token.start, token.end).toLowerCase() === 'or')
      return true;
  }
  return false;
}

/** Adds a condition that must hold too; one that stands there already is not added again. */
export function and(filter: string, condition: string): string {
  const before = filter.trim();
  if (!before || before === '*') return condition;
  if (parts(before).includes(condition)) return before;
  return `${hasLooseOr(before) ? `(${before})` : before} and ${condition}`;
}

/** The conditions that a filter joins by `and` at its outermost level, as they are written. */
export function parts(filter: string): string[] {
  const found: string[] = [];
  let [depth, from] = [0, 0];
  for (const token of tokenize(filter)) {
    if (token.kind === 'open') depth += 1;
    if (token.kind === 'close') depth -= 1;
    const word = filter.slice(token.start, token.end).toLowerCase();
    if (depth !== 0 || token.kind !== 'keyword' || word !== 'and') continue;
    found.push(filter.slice(from, token.start).trim());
    from = token.end;
  }
  found.push(filter.slice(from).trim());
  return found;
}

const shown = (value: unknown) => (typeof value === 'string' ? value : JSON.stringify(value));

export function is(field: string, value: unknown): string {
  return value === null || value === undefined || value === '' ? `not ${field}: *` : `${field}: ${quote(shown(value))}`;
}

export const include = (filter: string, field: string, value: unknown) =>
  and(without(filter, `not ${is(field, value)}`), is(field, value));

export const exclude = (filter: string, field: string, value: unknown) => {
  const condition = is(field, value);
  const opposite = condition.startsWith('not ') ? condition.slice(4) : `not ${condition}`;
  return and(without(filter, condition), opposite);
};

function without(filter: string, condition: string): string {
  if (!filter.trim() || hasLooseOr(filter)) return filter;
  return parts(filter)
    .filter((part) => part !== condition)
    .join(' and ');
}
