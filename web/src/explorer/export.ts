/** Rows as files: CSV and lines of JSON. */

import { answer, api, type EventRow } from '../api/client.ts';
import type { Asked } from './question.ts';
import { fieldOf, summary } from './summary.ts';

/** The most rows that are fetched for a file; more is what `lodge audit search` is for. */
export const MOST_ROWS = 10_000;
const PAGE_ROWS = 1000;

/** Fetches the rows of a question page by page. */
export async function allRows(
  asked: Asked,
  onProgress: (rows: number) => void,
  signal: AbortSignal,
): Promise<{ rows: EventRow[]; whole: boolean }> {
  const rows: EventRow[] = [];
  let after: string | null = null;
  do {
    const query: Asked & { limit: number; after: string | null } = { ...asked, limit: PAGE_ROWS, after };
    const page = await answer(api.GET('/v1/events', { params: { query }, signal }));
    rows.push(...(page.events as unknown as EventRow[]));
    after = page.next ?? null;
    onProgress(rows.length);
  } while (after && rows.length < MOST_ROWS);
  return { rows, whole: after === null };
}

/** Text that a spreadsheet would run as a formula gets an apostrophe before it. */
export function csvField(value: unknown): string {
  const text =
    value === undefined || value === null ? '' : typeof value === 'object' ? JSON.stringify(value) : String(value);
  const safe = typeof value !== 'number' && /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

export function toCsv(rows: EventRow[], columns: string[]): string {
  const names = ['position', 'time', ...columns, 'summary', 'id'];
  const lines = rows.map((row) => [
    row.position,
    row.event.time,
    ...columns.map((name) => fieldOf(row.event, name)),
    summary(row.event),
    row.event.id,
  ]);
  return [names, ...lines].map((line) => `${line.map(csvField).join(',')}\r\n`).join('');
}

export const toNdjson = (rows: EventRow[]): string => rows.map((row) => `${JSON.stringify(row)}\n`).join('');
