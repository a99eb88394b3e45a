/** A small reading of the filter language for the mock: enough for pages, not the truth about it. */

import type { LodgeEvent } from '../api/client.ts';
import { fieldInfo } from '../explorer/filter/complete.ts';
import { type Token, tokenize, unquote } from '../explorer/filter/tokens.ts';
import { instant } from './instant.ts';

export type Test = (event: LodgeEvent) => boolean;

export class FilterMistake extends Error {
  constructor(filter: string, start: number, end: number, message: string) {
    super(`${filter}\n${' '.repeat(start)}${'^'.repeat(Math.max(1, end - start))}\ncolumn ${start + 1}: ${message}`);
  }
}

/** Every value of a field: an object's members by their path, a list's by each element. */
export function valuesOf(event: unknown, path: string): unknown[] {
  let found: unknown[] = [event];
  for (const name of path.split('.')) {
    found = found.flatMap((value) => {
      if (Array.isArray(value)) return value.map((element) => (element as Record<string, unknown> | null)?.[name]);
      return typeof value === 'object' && value !== null ? [(value as Record<string, unknown>)[name]] : [];
    });
  }
  return found.flat().filter((value) => value !== undefined && value !== null);
}

const PROSE = new Set(['reason', 'policy.why', 'origin.agent', 'raw', 'detail.command']);

const pattern = (value: string) =>
  new RegExp(
    `^${value
      .split('*')
      .map((part) => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&'))
      .join('.*')}$`,
    'is',
  );

export function parseFilter(filter: string, now = Date.now()): Test {
  const tokens = tokenize(filter);
  let at = 0;
  const word = (token: Token) => filter.slice(token.start, token.end);
  const keyword = (name: string) => tokens[at]?.kind === 'keyword' && word(tokens[at] as Token).toLowerCase() === name;
  const wrong = (token: Token | undefined, message: string) =>
    new FilterMistake(filter, token?.start ?? filter.length, token?.end ?? filter.length + 1, message);

  const any = (): Test => {
    const tests = [all()];
    while (keyword('or')) {
      at += 1;
      tests.push(all());
    }
    return (event) => tests.some((test) => test(event));
  };
  const all = (): Test => {
    const tests = [one()];
    for (let token = tokens[at]; token && token.kind !== 'close' && !keyword('or'); token = tokens[at]) {
      if (keyword('and')) at += 1;
      tests.push(one());
    }
    return (event) => tests.every((test) => test(event));
  };
  const one = (): Test => {
    const token = tokens[at];
    if (keyword('not')) {
      at += 1;
      const test = one();
      return (event) => !test(event);
    }
    at += 1;
    if (!token || token.kind === 'close' || token.kind === 'keyword')
      throw wrong(token, 'a condition is missing before this');
    if (token.kind === 'open') {
      const test = any();
      if (tokens[at]?.kind !== 'close') throw wrong(token, 'this parenthesis is never closed');
      at += 1;
      return test;
    }
    if (token.kind === 'text') return text(word(token));
    if (token.kind === 'value') return has(token.field ?? '', word(token));
    if (token.kind !== 'field') throw wrong(token, 'something is missing before this');
    const field = word(token);
    if (!fieldInfo(field) && !/^(detail|target\.labels)\.|[*]/.test(field)) {
      throw wrong(token, `there is no field \`${field}\`; did you mean \`actor.user\``);
    }
    const operator = tokens[at];
    at += 1;
    if (operator && word(operator) !== ':') {
      const value = tokens[at];
      at += 1;
      if (value?.kind !== 'value') throw wrong(value, `a value of \`${field}\` should stand here`);
      return compare(field, word(operator), unquote(word(value)));
    }
    if (tokens[at]?.kind === 'open') return one();
    const value = tokens[at];
    at += 1;
    if (value?.kind !== 'value') throw wrong(value, `a value of \`${field}\` should stand here`);
    const known = fieldInfo(field)?.values;
    const asked = unquote(word(value));
    if (known && !asked.includes('*') && !known.includes(asked)) {
      throw wrong(value, `\`${field}\` is never \`${asked}\`, only ${known.join(', ')}`);
    }
    return has(field, word(value));
  };

  const text = (written: string): Test => {
    if (written === '*') return () => true;
    const needle = unquote(written).toLowerCase();
    const test = written.includes('*') && !written.startsWith('"') ? pattern(`*${needle}*`) : null;
    return (event) => {
      const whole = JSON.stringify(event).toLowerCase();
      return test ? test.test(whole) : whole.includes(needle);
    };
  };

  const has = (field: string, written: string): Test => {
    const quoted = written.startsWith('"');
    const value = unquote(written);
    if (!quoted && value === '*') return (event) => valuesOf(event, field).length > 0;
    if (PROSE.has(field)) {
      return (event) => valuesOf(event, field).some((held) => String(held).toLowerCase().includes(value.toLowerCase()));
    }
    const test = quoted ? null : pattern(value);
    return (event) =>
      valuesOf(event, field).some((held) => {
        const name = typeof held === 'object' ? JSON.stringify(held) : String(held);
        return test ? test.test(name) : name.toLowerCase() === value.toLowerCase();
      });
  };

  const compare = (field: string, operator: string, value: string): Test => {
    const date = field === 'time' ? instant(value, now) : null;
    const than = date ?? Number(value);
    return (event) =>
      valuesOf(event, field).some((held) => {
        const one = date === null ? Number(held) : Date.parse(String(held));
        if (operator === '>') return one > than;
        if (operator === '<') return one < than;
        return operator === '>=' ? one >= than : one <= than;
      });
  };

  if (tokens.length === 0) return () => true;
  const test = any();
  if (at < tokens.length) throw wrong(tokens[at], 'this parenthesis was never opened');
  return test;
}
