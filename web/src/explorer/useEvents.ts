/** The rows of a question: pages from the API, and those that happen while the page is open. */

import { keepPreviousData, useInfiniteQuery } from '@tanstack/react-query';
import { useEffect, useMemo, useRef, useState } from 'react';
import { answer, api, type EventRow } from '../api/client.ts';
import type { Asked } from './question.ts';

const PAGE_ROWS = 200;

export function useEvents(asked: Asked, again: number) {
  const query = useInfiniteQuery({
    queryKey: ['events', asked, again],
    queryFn: ({ pageParam, signal }) =>
      answer(api.GET('/v1/events', { params: { query: { ...asked, limit: PAGE_ROWS, after: pageParam } }, signal })),
    initialPageParam: null as string | null,
    getNextPageParam: (last) => last.next ?? null,
    // The rows of the question before stay until the new ones are there.
    placeholderData: keepPreviousData,
    staleTime: Number.POSITIVE_INFINITY,
  });
  const rows = useMemo(
    () => (query.data?.pages ?? []).flatMap((page) => page.events as unknown as EventRow[]),
    [query.data],
  );
  return { query, rows, coverage: query.data?.pages.at(-1)?.coverage };
}

export type TailState = 'off' | 'connecting' | 'live' | 'lost';

const MOST_ROWS = 2000;
const AGAIN_MS = 2000;
/** How often what came is shown; a busy log would otherwise draw for every event. */
const SHOW_MS = 250;

/** Follows the log. What comes is kept newest first, and goes on where it stopped when the connection is lost. */
export function useTail(filter: string, on: boolean): { rows: EventRow[]; state: TailState } {
  const [rows, setRows] = useState<EventRow[]>([]);
  const [state, setState] = useState<TailState>('off');
  const next = useRef<number | null>(null);

  useEffect(() => {
    setRows([]);
    next.current = null;
    if (!on) return setState('off');
    let source: EventSource | null = null;
    let retry: ReturnType<typeof setTimeout> | undefined;
    let waiting: EventRow[] = [];
    const connect = () => {
      setState('connecting');
      const from = next.current === null ? '' : `&from=${next.current}`;
      source = new EventSource(`/v1/events/stream?filter=${encodeURIComponent(filter)}${from}`);
      source.onopen = () => setState('live');
      source.onmessage = (message) => {
        const row = JSON.parse(message.data as string) as EventRow;
        next.current = row.position + 1;
        waiting.push(row);
      };
      source.onerror = () => {
        source?.close();
        setState('lost');
        // A stream does not tell why it ended; whoever is signed out learns it so.
        answer(api.GET('/v1/status')).catch(() => undefined);
        retry = setTimeout(connect, AGAIN_MS);
      };
    };
    connect();
    const show = setInterval(() => {
      if (waiting.length === 0) return;
      const fresh = waiting.reverse();
      waiting = [];
      setRows((before) => [...fresh, ...before].slice(0, MOST_ROWS));
    }, SHOW_MS);
    return () => {
      source?.close();
      clearTimeout(retry);
      clearInterval(show);
    };
  }, [filter, on]);

  return { rows, state };
}
