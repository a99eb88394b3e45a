/** The question that the page's address holds, and what the API is asked for it. */

import { localZone } from '../ui/time.tsx';

/** Everything that the explorer shows follows from these, so an address can be sent to somebody else. */
export interface EventsSearch {
  /** Filter. */
  q?: string | undefined;
  since?: string | undefined;
  until?: string | undefined;
  /** `utc`, or a zone's name; the reader's own when absent. */
  zone?: string | undefined;
  /** Columns between time and summary, parted by commas. */
  cols?: string | undefined;
  /** Id of the event that is open, and which part of it. */
  open?: string | undefined;
  part?: string | undefined;
  live?: boolean | undefined;
}

export const DEFAULT_SINCE = 'now-24h';
export const DEFAULT_COLUMNS = ['kind', 'outcome', 'actor.user', 'target.name'];

const text = (value: unknown): string | undefined =>
  typeof value === 'string' && value !== '' ? value : typeof value === 'number' ? String(value) : undefined;

export function readSearch(search: Record<string, unknown>): EventsSearch {
  return {
    q: text(search.q),
    since: text(search.since),
    until: text(search.until),
    zone: text(search.zone),
    cols: text(search.cols),
    open: text(search.open),
    part: text(search.part),
    live: search.live === true ? true : undefined,
  };
}

export const columnsOf = (search: EventsSearch): string[] =>
  search.cols === undefined ? DEFAULT_COLUMNS : search.cols.split(',').filter((name) => name && name !== '-');

export const zoneOf = (search: EventsSearch): string => (search.zone === 'utc' ? 'UTC' : (search.zone ?? localZone()));

/** What the API takes of it. `since` is `all` where there is no bound. */
export interface Asked {
  filter: string;
  since?: string;
  until?: string;
  zone: string;
}

export function asked(search: EventsSearch): Asked {
  const since = search.since ?? DEFAULT_SINCE;
  return {
    filter: search.q ?? '',
    zone: zoneOf(search),
    ...(since === 'all' ? {} : { since }),
    ...(search.until ? { until: search.until } : {}),
  };
}

const RELATIVE: Record<string, string> = {
  'now-15m': 'Last 15 minutes',
  'now-1h': 'Last hour',
  'now-4h': 'Last 4 hours',
  'now-24h': 'Last 24 hours',
  'now-7d': 'Last 7 days',
  'now-30d': 'Last 30 days',
  'now/d': 'Today',
  'now/w': 'This week',
  all: 'All time',
};

export const PRESETS = Object.entries(RELATIVE);

const short = (time: string) =>
  time.replace('T', ' ').replace(/:\d\d(\.\d+)?Z?$/, (rest) => (rest.startsWith(':00') ? '' : rest.slice(0, 3)));

/** The range in a few words. */
export function rangeName(search: EventsSearch, inZone: (time: string) => string): string {
  const since = search.since ?? DEFAULT_SINCE;
  if (!search.until) return RELATIVE[since] ?? `Since ${/^\d/.test(since) ? short(inZone(since)) : since}`;
  const name = (time: string) => (/^\d/.test(time) ? short(inZone(time)) : time);
  return since === 'all' ? `Until ${name(search.until)}` : `${name(since)} – ${name(search.until)}`;
}
