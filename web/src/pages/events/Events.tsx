/** The audit explorer: one question, its rows, when they happened, and which values they have. */

import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { lazy, Suspense, useCallback, useEffect, useMemo, useRef, useState } from 'react';
import { answer, api, type EventRow } from '../../api/client.ts';
import { ColumnsMenu } from '../../explorer/ColumnsMenu.tsx';
import { EventDetail } from '../../explorer/EventDetail.tsx';
import { EventTable } from '../../explorer/EventTable.tsx';
import { ExportMenu } from '../../explorer/ExportMenu.tsx';
import { Fields } from '../../explorer/Fields.tsx';
import { exclude, include } from '../../explorer/filter/edit.ts';
import { mistakeIn } from '../../explorer/filter/mistake.ts';
import { asked as ask, columnsOf, DEFAULT_COLUMNS, type EventsSearch, zoneOf } from '../../explorer/question.ts';
import { SearchBox } from '../../explorer/SearchBox.tsx';
import { TimeRange } from '../../explorer/TimeRange.tsx';
import { useEvents, useTail } from '../../explorer/useEvents.ts';
import { Views } from '../../explorer/Views.tsx';
import { Button } from '../../ui/Button.tsx';
import { about, count } from '../../ui/figures.ts';
import { Icon } from '../../ui/Icon.tsx';
import { useKeys } from '../../ui/keys.ts';
import { Empty, Failed, Loading, Refreshing } from '../../ui/states.tsx';
import { useMedia } from '../../ui/useMedia.ts';
import { EventsTabs } from './EventsTabs.tsx';
import '../../explorer/explorer.css';

const Histogram = lazy(() => import('../../explorer/Histogram.tsx'));

const ABOUT_BARS = 80;
const FIELDS_SHOWN = 'lodge.fields';

export default function Events() {
  const search = useSearch({ from: '/shell/events' });
  const navigate = useNavigate({ from: '/events' });
  const narrow = useMedia('(max-width: 760px)');
  const box = useRef<{ focus: () => void }>(null);
  const [fields, setFields] = useState(() => localStorage.getItem(FIELDS_SHOWN) !== 'no');
  const [again, setAgain] = useState(0);
  const [cursor, setCursor] = useState(-1);

  const columns = useMemo(() => columnsOf(search), [search]);
  const zone = zoneOf(search);
  const { q, since, until, zone: zoneAsked } = search;
  const question = useMemo(() => ask({ q, since, until, zone: zoneAsked }), [q, since, until, zoneAsked]);
  const { query, rows: found, coverage } = useEvents(question, again);
  const tail = useTail(q ?? '', search.live === true);

  // While somebody reads further down or in an open row, what comes waits above: nothing moves under their eyes.
  const [top, setTop] = useState(true);
  const [held, setHeld] = useState<EventRow[] | null>(null);
  const reading = !top || search.open !== undefined;
  const arrived = reading && held ? held : tail.rows;
  const waiting = tail.rows.length - arrived.length;
  useEffect(() => setHeld((now) => (reading ? (now ?? tail.rows) : null)), [reading, tail.rows]);

  const histogram = useQuery({
    queryKey: ['histogram', question, again],
    queryFn: ({ signal }) =>
      answer(
        api.GET('/v1/events/histogram', {
          params: { query: { ...question, interval: String(ABOUT_BARS), split: 'outcome', series: 3 } },
          signal,
        }),
      ),
    placeholderData: keepPreviousData,
    retry: false,
  });

  const rows = useMemo(() => {
    if (arrived.length === 0) return found;
    const known = new Set(arrived.map((row) => row.position));
    return [...arrived, ...found.filter((row) => !known.has(row.position))];
  }, [found, arrived]);

  const change = useCallback(
    (by: Partial<EventsSearch>, replace = false) =>
      void navigate({ search: (before) => ({ ...before, ...by }), replace }),
    [navigate],
  );
  const putQuestion = (by: Partial<EventsSearch>) => {
    setCursor(-1);
    change({ open: undefined, ...by });
  };
  const onInclude = (field: string, value: unknown) => putQuestion({ q: include(q ?? '', field, value) });
  const onExclude = (field: string, value: unknown) => putQuestion({ q: exclude(q ?? '', field, value) });
  const onColumn = (name: string) => {
    const next = columns.includes(name) ? columns.filter((column) => column !== name) : [...columns, name];
    change({ cols: next.join(',') === DEFAULT_COLUMNS.join(',') ? undefined : next.join(',') || '-' }, true);
  };
  const toggle = (row: EventRow, at: number) => {
    setCursor(at);
    change({ open: search.open === row.event.id ? undefined : row.event.id }, true);
  };
  const move = (by: number) => setCursor((before) => Math.min(Math.max(before + by, 0), rows.length - 1));
  const release = () => {
    setHeld(null);
    setTop(true);
    if (search.open) change({ open: undefined }, true);
    document.querySelector('.events-scroll')?.scrollTo({ top: 0 });
  };
  const showFields = (now: boolean) => {
    localStorage.setItem(FIELDS_SHOWN, now ? 'yes' : 'no');
    setFields(now);
  };

  useKeys({
    '/': () => box.current?.focus(),
    j: () => move(1),
    k: () => move(-1),
    ArrowDown: () => move(1),
    ArrowUp: () => move(-1),
    Enter: () => {
      const row = rows[cursor];
      if (row) toggle(row, cursor);
    },
    Escape: () => change({ open: undefined }, true),
    l: () => change({ live: search.live ? undefined : true }, true),
    r: () => setAgain((value) => value + 1),
  });

  // Rows that come in front push the cursor down with the row that it is on.
  const first = arrived.length;
  const before = useRef(first);
  useEffect(() => {
    if (first > before.current) setCursor((at) => (at < 0 ? at : at + first - before.current));
    before.current = first;
  }, [first]);

  const mistake = mistakeIn(q ?? '', query.error);
  const loadMore = useCallback(() => {
    if (query.hasNextPage && !query.isFetchingNextPage && !query.isError) void query.fetchNextPage();
  }, [query]);
  const stale = query.isPlaceholderData;
  const opened = search.open && !rows.some((row) => row.event.id === search.open) ? search.open : null;
  const positions = rows.map((row) => row.position);
  const detailOf = (row: EventRow) => (
    <EventDetail
      row={row}
      zone={zone}
      part={search.part ?? 'facts'}
      onPart={(part) => change({ part: part === 'facts' ? undefined : part }, true)}
      onInclude={onInclude}
      onExclude={onExclude}
      onShow={(other) => change({ open: other.event.id }, true)}
    />
  );

  return (
    <div className="explorer">
      <EventsTabs />
      <div className="bar">
        <SearchBox
          handle={box}
          value={q ?? ''}
          mistake={mistake}
          since={question.since}
          onSearch={(filter) =>
            filter === (q ?? '') ? setAgain((value) => value + 1) : putQuestion({ q: filter || undefined })
          }
        />
        <TimeRange search={search} onChange={putQuestion} />
        <Button
          aria-pressed={search.live === true}
          className={search.live ? `live ${tail.state}` : ''}
          disabled={search.until && 'A range that has ended gets no new events; choose one that ends now'}
          onClick={() => change({ live: search.live ? undefined : true }, true)}
        >
          <Icon name="live" /> {search.live && tail.state === 'lost' ? 'Connecting …' : 'Live'}
        </Button>
        <Button label="Ask again (r)" onClick={() => setAgain((value) => value + 1)}>
          <Icon name="again" />
        </Button>
      </div>
      <div className="explorer-body">
        {!narrow && fields && (
          <Fields asked={question} columns={columns} onInclude={onInclude} onExclude={onExclude} onColumn={onColumn} />
        )}
        <div className="results">
          <Refreshing when={query.isFetching && !query.isFetchingNextPage} />
          <div className="above">
            {!narrow && (
              <Button
                look="quiet"
                label={fields ? 'Hide the fields' : 'Show the fields'}
                aria-pressed={fields}
                onClick={() => showFields(!fields)}
              >
                <Icon name="columns" />
              </Button>
            )}
            <strong className="num" role="status">
              {histogram.data
                ? `${count(histogram.data.events)} event${histogram.data.events === 1 ? '' : 's'}`
                : histogram.isError
                  ? 'Events'
                  : 'Counting …'}
            </strong>
            {arrived.length > 0 && <span className="badge accent">{about(arrived.length)} new</span>}
            {waiting > 0 && (
              <button type="button" className="badge accent waiting" onClick={() => release()}>
                show {about(waiting)} more
              </button>
            )}
            {coverage && !coverage.complete && (
              <span
                className="badge warn"
                title={`Positions ${coverage.from} to ${coverage.to} of ${coverage.size} were searched in the time there was.`}
              >
                not all was searched
              </span>
            )}
            <span className="grow" />
            <ColumnsMenu columns={columns} onColumn={onColumn} />
            <Views search={search} onShow={(view) => void navigate({ search: view })} />
            <ExportMenu
              asked={question}
              columns={columns}
              range={positions.length ? { from: Math.min(...positions), to: Math.max(...positions) + 1 } : null}
            />
          </div>
          {histogram.data && histogram.data.bars.length > 0 && (
            <Suspense fallback={<div className="histogram" style={{ height: 120 }} />}>
              <Histogram
                data={histogram.data}
                zone={zone}
                onRange={(from, to) => putQuestion({ since: from, until: to, live: undefined })}
              />
            </Suspense>
          )}
          {opened && <OpenedElsewhere id={opened} detail={detailOf} />}
          {query.isError && !mistake && <Failed error={query.error} retry={() => void query.refetch()} />}
          {mistake && rows.length === 0 && (
            <Empty title="The filter cannot be read">
              <p>{mistake.message}.</p>
            </Empty>
          )}
          {!query.isError && query.isPending && <Loading rows={14} />}
          {query.isSuccess && rows.length === 0 && <Nothing search={search} onAsk={putQuestion} />}
          {rows.length > 0 && (
            <EventTable
              rows={rows}
              columns={columns}
              zone={zone}
              cursor={cursor}
              open={search.open}
              onOpen={toggle}
              onInclude={onInclude}
              onExclude={onExclude}
              onTop={setTop}
              onEnd={loadMore}
              more={query.hasNextPage}
              stale={stale}
              detail={detailOf}
            />
          )}
        </div>
      </div>
    </div>
  );
}

/** The event of a link, where it is not among the rows of the question. */
function OpenedElsewhere({ id, detail }: { id: string; detail: (row: EventRow) => React.ReactNode }) {
  const event = useQuery({
    queryKey: ['event', id],
    queryFn: ({ signal }) => answer(api.GET('/v1/events/{id}', { params: { path: { id } }, signal })),
    retry: false,
  });
  if (event.isError) return <Failed error={event.error} />;
  if (!event.data) return null;
  const row = event.data as unknown as EventRow;
  return (
    <div className="event elsewhere" data-open="true">
      <div className="muted elsewhere-head">{row.event.kind}, which is not among the rows below</div>
      {detail(row)}
    </div>
  );
}

function Nothing({ search, onAsk }: { search: EventsSearch; onAsk: (by: Partial<EventsSearch>) => void }) {
  return (
    <Empty title="No event matches">
      <p>
        {search.q
          ? 'Nothing in this range of time is what the filter asks for, or nothing that your roles let you see.'
          : 'Nothing happened in this range of time, or nothing that your roles let you see.'}
      </p>
      <div className="row">
        {search.q && <Button onClick={() => onAsk({ q: undefined })}>Without the filter</Button>}
        {search.since !== 'all' && (
          <Button onClick={() => onAsk({ since: 'all', until: undefined })}>In all time</Button>
        )}
      </div>
    </Empty>
  );
}
