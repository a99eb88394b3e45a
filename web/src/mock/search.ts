import { HttpResponse, http } from 'msw';
import type { EventRow } from '../api/client.ts';
import { happen, ROWS } from './events.ts';
import { FilterMistake, parseFilter, valuesOf } from './filter.ts';
import { instant } from './instant.ts';
import { bundle, checkpoint, LOG_KEY, proofOf } from './log.ts';
import { json, problem } from './reply.ts';

const wait = (ms: number) => new Promise((done) => setTimeout(done, ms));
const coverage = () => ({ complete: true, from: 0, to: ROWS.length, size: ROWS.length });

function asked(url: URL): { rows: EventRow[]; since: number; until: number } {
  const test = parseFilter(url.searchParams.get('filter') ?? '');
  const since = instant(url.searchParams.get('since') ?? '') ?? 0;
  const until = instant(url.searchParams.get('until') ?? '') ?? Number.POSITIVE_INFINITY;
  const rows = ROWS.filter(({ event }) => {
    const time = Date.parse(event.time);
    return time >= since && time < until && test(event);
  });
  return { rows, since, until };
}

type Answer = (url: URL, params: Record<string, unknown>) => Response | object;

const get = (path: string, answer: Answer) =>
  http.get(path, async ({ request, params }) => {
    await wait(120);
    try {
      const answered = answer(new URL(request.url), params);
      return answered instanceof Response ? answered : json(answered);
    } catch (error) {
      if (error instanceof FilterMistake) return problem(400, 'filter', error.message);
      throw error;
    }
  });

function ranked(rows: EventRow[], field: string) {
  const counts = new Map<string, number>();
  let without = 0;
  for (const { event } of rows) {
    const values = new Set(
      valuesOf(event, field).map((value) => (typeof value === 'object' ? JSON.stringify(value) : String(value))),
    );
    if (values.size === 0) without += 1;
    for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  }
  return {
    without,
    values: [...counts].map(([value, events]) => ({ value, events })).sort((a, b) => b.events - a.events),
  };
}

const STEPS_S = [1, 5, 15, 30, 60, 300, 600, 1800, 3600, 10_800, 21_600, 43_200, 86_400, 604_800];

function histogram(url: URL) {
  const { rows } = asked(url);
  const bars = Number(url.searchParams.get('interval') ?? 60) || 60;
  const times = rows.map(({ event }) => Date.parse(event.time));
  const [from, to] = [Math.min(...times), Math.max(...times)];
  const step = (STEPS_S.find((seconds) => (to - from) / (seconds * 1000) <= bars) ?? 604_800) * 1000;
  const split = url.searchParams.get('split');
  const series = split
    ? ranked(rows, split)
        .values.slice(0, 5)
        .map(({ value }) => value)
    : [];
  const found = new Map<number, { events: number; split: number[]; without: number; other: number }>();
  for (const { event } of rows) {
    const start = Math.floor(Date.parse(event.time) / step) * step;
    const bar = found.get(start) ?? { events: 0, split: series.map(() => 0), without: 0, other: 0 };
    bar.events += 1;
    const at = split ? series.indexOf(String(valuesOf(event, split)[0])) : -1;
    if (at >= 0) bar.split[at] = (bar.split[at] ?? 0) + 1;
    found.set(start, bar);
  }
  return {
    coverage: coverage(),
    events: rows.length,
    interval: step < 60_000 ? `${step / 1000}s` : step < 3_600_000 ? `${step / 60_000}m` : `${step / 3_600_000}h`,
    series,
    bars: [...found]
      .sort(([a], [b]) => a - b)
      .map(([start, bar]) => ({
        ...bar,
        start: new Date(start).toISOString(),
        end: new Date(start + step).toISOString(),
      })),
  };
}

const stored = (id: unknown) => ROWS.find(({ event }) => event.id === id);
const nothing = () => problem(404, 'not_found', 'there is no event of this id, or none that you may see');

export const searchHandlers = [
  http.get('/v1/events/stream', ({ request }) => {
    const test = parseFilter(new URL(request.url).searchParams.get('filter') ?? '');
    const encoder = new TextEncoder();
    let timer: ReturnType<typeof setInterval>;
    const stream = new ReadableStream({
      start(controller) {
        timer = setInterval(() => {
          const row = happen();
          if (test(row.event))
            controller.enqueue(encoder.encode(`id: ${row.position}\ndata: ${JSON.stringify(row)}\n\n`));
        }, 900);
      },
      cancel: () => clearInterval(timer),
    });
    return new HttpResponse(stream, { headers: { 'Content-Type': 'text/event-stream' } });
  }),
  get('/v1/events', (url) => {
    const { rows } = asked(url);
    const limit = Number(url.searchParams.get('limit') ?? 100);
    const from = Number(url.searchParams.get('after') ?? 0);
    const newest = url.searchParams.get('order') !== 'oldest';
    const ordered = newest ? rows.toReversed() : rows;
    const page = ordered.slice(from, from + limit);
    const next = from + limit < rows.length ? String(from + limit) : null;
    return { events: page, next, previous: null, checkpoint: checkpoint(), coverage: coverage() };
  }),
  get('/v1/events/count', (url) => ({ events: asked(url).rows.length, coverage: coverage() })),
  get('/v1/events/histogram', histogram),
  get('/v1/events/top', (url) => {
    const { rows } = asked(url);
    const { values, without } = ranked(rows, url.searchParams.get('field') ?? '');
    const limit = Number(url.searchParams.get('limit') ?? 10);
    const other = values.slice(limit).reduce((sum, { events }) => sum + events, 0);
    return {
      values: values.slice(0, limit),
      distinct: values.length,
      other,
      without,
      events: rows.length,
      coverage: coverage(),
    };
  }),
  get('/v1/events/values', (url) => {
    const prefix = (url.searchParams.get('prefix') ?? '').toLowerCase();
    const { values } = ranked(asked(url).rows, url.searchParams.get('field') ?? '');
    const found = values.map(({ value }) => value).filter((value) => value.toLowerCase().startsWith(prefix));
    return { values: found.slice(0, 10), distinct: found.length, coverage: coverage() };
  }),
  get('/v1/events/around', (url) => {
    const row = stored(url.searchParams.get('id'));
    if (!row) return nothing();
    const { rows } = asked(url);
    const limit = Number(url.searchParams.get('limit') ?? 5);
    const before = rows.filter(({ position }) => position < row.position).slice(-limit);
    const after = rows.filter(({ position }) => position > row.position).slice(0, limit);
    return { event: row, before, after, coverage: coverage() };
  }),
  get('/v1/events/:id', (_, { id }) => stored(id) ?? nothing()),
  get('/v1/events/:id/proof', (_, { id }) => {
    const row = stored(id);
    return row ? proofOf(row) : nothing();
  }),
  get('/v1/log/export', (url) => {
    const from = Number(url.searchParams.get('from') ?? 0);
    const to = Number(url.searchParams.get('to') ?? ROWS.length);
    return new HttpResponse(bundle(from, to), { headers: { 'Content-Type': 'application/x-ndjson' } });
  }),
  get('/v1/log/checkpoint', () => ({ key: LOG_KEY, note: checkpoint(), size: ROWS.length })),
  get('/v1/trust', () => ({
    log_key: LOG_KEY,
    public_host: 'gate.example.com',
    ssh_port: 22,
    ssh_gate_authorities: [],
    ssh_host_authorities: [],
    x509_authorities: '',
    x509_fingerprint: 'sha256:0f3c',
  })),
  http.post('/v1/sql', async ({ request }) => {
    await wait(300);
    const { statement } = (await request.json()) as { statement: string };
    if (/no sql/i.test(statement)) {
      return problem(
        501,
        'no_sql',
        'this server was built without SQL; build it with `--features sql`, or ask by /v1/events',
      );
    }
    const { values } = ranked(ROWS, /kind/.test(statement) ? 'kind' : 'actor.user');
    return json({
      columns: [
        { name: /kind/.test(statement) ? 'kind' : 'actor_user', type: 'Utf8' },
        { name: 'events', type: 'Int64' },
      ],
      rows: values.slice(0, 12).map(({ value, events }) => [value, events]),
    });
  }),
];
