import { describe, expect, it } from 'vitest';
import type { LodgeEvent } from '../api/client.ts';
import { csvField } from './export.ts';
import { stack } from './Histogram.tsx';
import { asked, columnsOf, DEFAULT_COLUMNS, readSearch } from './question.ts';
import { fieldOf, flatten, summary } from './summary.ts';

const event = (kind: string, detail: unknown, more: Partial<LodgeEvent> = {}): LodgeEvent => ({
  id: 'x',
  time: '2026-01-01T00:00:00.000000Z',
  kind,
  outcome: 'success',
  actor: { user: 'alice', type: 'human' },
  detail,
  ...more,
});

describe('the question', () => {
  it('is read from the address, whatever stands there', () => {
    expect(readSearch({ q: 'x', live: true, cols: 3, evil: {} })).toMatchObject({ q: 'x', live: true, cols: '3' });
    expect(columnsOf({})).toEqual(DEFAULT_COLUMNS);
    expect(columnsOf({ cols: '-' })).toEqual([]);
  });
  it('asks the server for a day unless told otherwise', () => {
    expect(asked({})).toMatchObject({ filter: '', since: 'now-24h' });
    expect(asked({ since: 'all', q: 'a', zone: 'utc' })).toEqual({ filter: 'a', zone: 'UTC' });
  });
});

describe('a row', () => {
  it('says what happened', () => {
    expect(summary(event('session.command', { command: 'rm -rf /tmp/x' }))).toBe('rm -rf /tmp/x');
    expect(summary(event('x.y', { a: 1, b: { c: 2 }, d: 'e' }))).toBe('a 1 · d e');
    expect(summary(event('user.login', { user: 'bob', method: 'p' }, { reason: 'wrong code' }))).toBe(
      'bob by p – wrong code',
    );
    expect(summary(event('source.record', 'plain text', { raw: 'line' }))).toBe('line');
  });
  it('gives the values of dotted fields, also where keys hold dots', () => {
    const labels = event('x.y', {}, { target: { labels: { 'app.kubernetes.io/name': 'pg', env: 'prod' } } });
    expect(fieldOf(labels, 'target.labels.app.kubernetes.io/name')).toBe('pg');
    expect(fieldOf(labels, 'target.labels.env')).toBe('prod');
    expect(fieldOf(labels, 'target.nothing.at.all')).toBeUndefined();
    expect(flatten({ a: { b: 1 }, c: [1], d: null })).toEqual([
      ['a.b', 1],
      ['c', [1]],
    ]);
  });
  it('is no formula in a spreadsheet', () => {
    expect(csvField('=1+1')).toBe("'=1+1");
    expect(csvField('a,"b"')).toBe('"a,""b"""');
    expect(csvField(-5)).toBe('-5');
    expect(csvField(null)).toBe('');
  });
});

describe('the histogram', () => {
  const bar = (start: string, end: string, split: number[], other = 0) => ({
    start,
    end,
    split,
    other,
    without: 0,
    events: split.reduce((sum, part) => sum + part, other),
  });
  it('fills in the intervals in which nothing happened', () => {
    const data = {
      coverage: { complete: true, from: 0, to: 1, size: 1 },
      events: 4,
      interval: 'hour',
      series: ['success', 'denied'],
      bars: [
        bar('2026-01-01T00:00:00Z', '2026-01-01T01:00:00Z', [1, 1]),
        bar('2026-01-01T03:00:00Z', '2026-01-01T04:00:00Z', [0, 1], 1),
      ],
    };
    const stacked = stack(data);
    expect(stacked.names).toEqual(['success', 'denied', 'other']);
    expect(stacked.counts).toEqual([
      [1, 1, 0],
      [0, 0, 0],
      [0, 0, 0],
      [0, 1, 1],
    ]);
  });
  it('spans what was asked, unless that would be too fine to see', () => {
    const data = {
      coverage: { complete: true, from: 0, to: 1, size: 1 },
      events: 1,
      interval: 'hour',
      series: ['success'],
      bars: [bar('2026-01-01T12:00:00Z', '2026-01-01T13:00:00Z', [1])],
      since: '2026-01-01T00:30:00Z',
      until: '2026-01-02T00:00:00Z',
    };
    const seconds = (text: string) => Date.parse(text) / 1000;
    const stacked = stack(data);
    expect([stacked.starts[0], stacked.ends.at(-1)]).toEqual([
      seconds('2026-01-01T01:00:00Z'),
      seconds('2026-01-02T00:00:00Z'),
    ]);
    expect(stacked.counts.filter(([events]) => events).length).toBe(1);
    const { until: _, ...open } = data;
    expect(stack(open, Date.parse('2026-01-01T15:30:00Z')).ends.at(-1)).toBe(seconds('2026-01-01T15:00:00Z'));
    expect(stack({ ...data, since: '1970-01-01T00:00:00Z' }).starts.length).toBe(1);
  });
});
