import { describe, expect, it } from 'vitest';
import { LodgeError } from '../../api/problem.ts';
import { accept, FIELDS, suggestFields, suggestValues, wantedAt } from './complete.ts';
import { and, exclude, include, parts, quote } from './edit.ts';
import { mistakeIn } from './mistake.ts';
import { tokenize } from './tokens.ts';

const kinds = (text: string) => tokenize(text).map((token) => `${token.kind}=${text.slice(token.start, token.end)}`);

describe('the tokenizer', () => {
  it('tells fields, values, keywords and text apart', () => {
    expect(kinds('kind: session.* and not actor.user: "a b" sudo')).toEqual([
      'field=kind',
      'operator=:',
      'value=session.*',
      'keyword=and',
      'keyword=not',
      'field=actor.user',
      'operator=:',
      'value="a b"',
      'text=sudo',
    ]);
  });
  it('takes what stands in a list for values, and what follows it for conditions', () => {
    expect(kinds('outcome: (failure or denied) x>=5')).toEqual([
      'field=outcome',
      'operator=:',
      'open=(',
      'value=failure',
      'keyword=or',
      'value=denied',
      'close=)',
      'field=x',
      'operator=>=',
      'value=5',
    ]);
  });
  it('leaves colons in values', () => {
    expect(kinds('time >= 2026-03-14T15:09 origin.ip: 2001:db8::/32')).toEqual([
      'field=time',
      'operator=>=',
      'value=2026-03-14T15:09',
      'field=origin.ip',
      'operator=:',
      'value=2001:db8::/32',
    ]);
  });
  it('ends on anything that is typed', () => {
    for (const text of ['"', '\\', '(', ':', 'a:', 'a: (', '{', '))', 'a\\', '> <', '::', 'a: "x\\', '"\\']) {
      for (const token of tokenize(text)) expect(token.end).toBeGreaterThan(token.start);
    }
  });
});

describe('a click changes the filter', () => {
  it('by what means exactly the value', () => {
    expect(quote('alice')).toBe('alice');
    expect(quote('rm -rf')).toBe('"rm -rf"');
    expect(quote('a*')).toBe('"a*"');
    expect(quote('not')).toBe('"not"');
    expect(quote('say "x" \\')).toBe('"say \\"x\\" \\\\"');
  });
  it('and holds beside all that stood there', () => {
    expect(and('', 'a: b')).toBe('a: b');
    expect(and('a: b', 'a: b')).toBe('a: b');
    expect(and('x: (1 or 2)', 'a: b')).toBe('x: (1 or 2) and a: b');
    expect(and('x: 1 or y: 2', 'a: b')).toBe('(x: 1 or y: 2) and a: b');
  });
  it('and takes back its opposite', () => {
    expect(exclude('kind: x and a: b', 'a', 'b')).toBe('kind: x and not a: b');
    expect(include('not a: b', 'a', 'b')).toBe('a: b');
    expect(include('', 'reason', null)).toBe('not reason: *');
    expect(exclude('', 'reason', null)).toBe('reason: *');
  });
  it('and finds the parts again', () => expect(parts('a: (b and c) and d')).toEqual(['a: (b and c)', 'd']));
});

describe('completion', () => {
  it('knows fields and kinds from the event schema', () => {
    expect(FIELDS.map((field) => field.name)).toEqual(
      expect.arrayContaining(['kind', 'actor.user', 'target.name', 'detail.command']),
    );
    expect(suggestFields('actor.')[0]?.name).toMatch(/^actor\./);
    expect(suggestValues('kind', 'session.c', [])[0]).toMatchObject({ name: 'session.command' });
    expect(suggestValues('outcome', 'd', ['denied']).map((value) => value.name)).toEqual(['denied']);
    expect(suggestValues('actor.user', 'a', ['alice', 'a b']).map((value) => value.text)).toEqual(['alice', '"a b"']);
  });
  it('sees whether a field or a value is being typed', () => {
    expect(wantedAt('kin', 3)).toMatchObject({ kind: 'field', prefix: 'kin', from: 0, to: 3 });
    expect(wantedAt('kind: ', 6)).toMatchObject({ kind: 'value', field: 'kind', prefix: '' });
    expect(wantedAt('kind: se', 8)).toMatchObject({ kind: 'value', field: 'kind', prefix: 'se', from: 6 });
    expect(wantedAt('kind: (a or ', 12)).toMatchObject({ kind: 'value', field: 'kind' });
    expect(wantedAt('kind: a and ', 12)).toMatchObject({ kind: 'field', prefix: '' });
  });
  it('writes what was chosen', () => {
    const field = wantedAt('act', 3);
    expect(accept('act', field, { name: '', says: '', text: 'actor.user: ' })).toEqual({
      text: 'actor.user: ',
      caret: 12,
    });
    const value = wantedAt('outcome: de and x', 11);
    expect(accept('outcome: de and x', value, { name: '', says: '', text: 'denied' })).toEqual({
      text: 'outcome: denied and x',
      caret: 15,
    });
  });
});

describe('a mistake', () => {
  const error = (detail: string) => new LodgeError(400, 'filter', '', detail);
  it('is where the server says', () => {
    const filter = 'kind: session.* and actor.usr: alice';
    const detail = `${filter}\n                    ^^^^^^^^^\ncolumn 21: there is no field \`actor.usr\`; did you mean \`actor.user\``;
    const mistake = mistakeIn(filter, error(detail));
    expect(filter.slice(mistake?.start, mistake?.end)).toBe('actor.usr');
    expect(mistake?.message).toMatch(/^there is no field/);
  });
  it('is counted in characters', () => {
    const filter = '😀 and x.y: 1';
    expect(mistakeIn(filter, error('😀 and x.y: 1\n      ^^^\ncolumn 7: no'))).toMatchObject({ start: 7, end: 10 });
  });
  it('is nothing else', () => expect(mistakeIn('x', new LodgeError(500, 'internal', '', 'column 1: x'))).toBeNull());
});
