/** Sessions, live and past, and a search over everything that their terminals showed. */

import { keepPreviousData, useInfiniteQuery, useQueryClient } from '@tanstack/react-query';
import { Link, useNavigate, useSearch } from '@tanstack/react-router';
import { useEffect, useRef, useState } from 'react';
import { answer, api, type Schemas } from '../../api/client.ts';
import { useRefused } from '../../api/session.ts';
import { useStatus } from '../../api/status.ts';
import { mistakeIn } from '../../explorer/filter/mistake.ts';
import { SearchBox } from '../../explorer/SearchBox.tsx';
import '../../explorer/explorer.css';
import { Button } from '../../ui/Button.tsx';
import { Dialog } from '../../ui/Dialog.tsx';
import { Field } from '../../ui/Field.tsx';
import { bytes } from '../../ui/figures.ts';
import { useKeys } from '../../ui/keys.ts';
import { Empty, Failed, Loading, Refreshing } from '../../ui/states.tsx';
import { span, Time } from '../../ui/time.tsx';
import { complain, say } from '../../ui/toast.tsx';
import { Screens } from './Screens.tsx';
import './sessions.css';

type Session = Schemas['Session'];

const PAGE = 100;
const VIEWS = [
  ['live', 'Live'],
  ['past', 'All'],
  ['screens', 'What was shown'],
] as const;

export default function Sessions() {
  const search = useSearch({ from: '/shell/sessions' });
  const navigate = useNavigate({ from: '/sessions' });
  const view = search.view ?? 'past';
  const box = useRef<{ focus: () => void }>(null);
  useKeys({ '/': () => box.current?.focus() });
  return (
    <div className="explorer">
      <nav className="tabs-list events-tabs" aria-label="Which sessions">
        {VIEWS.map(([id, name]) => (
          <button
            key={id}
            type="button"
            className="tab"
            aria-current={view === id ? 'page' : undefined}
            onClick={() => void navigate({ search: { view: id === 'past' ? undefined : id, q: undefined } })}
          >
            {name}
          </button>
        ))}
      </nav>
      {view === 'screens' ? (
        <Screens
          text={search.q ?? ''}
          onSearch={(q) => void navigate({ search: { view: 'screens', q: q || undefined } })}
        />
      ) : (
        <List
          key={view}
          live={view === 'live'}
          filter={search.q ?? ''}
          handle={box}
          onSearch={(q) => void navigate({ search: (before) => ({ ...before, q: q || undefined }) })}
        />
      )}
    </div>
  );
}

interface ListProps {
  live: boolean;
  filter: string;
  handle: React.Ref<{ focus: () => void }>;
  onSearch: (filter: string) => void;
}

function List({ live, filter, handle, onSearch }: ListProps) {
  const navigate = useNavigate();
  const [cursor, setCursor] = useState(-1);
  const [cutting, setCutting] = useState<Session | null>(null);
  const status = useStatus();
  const query = useInfiniteQuery({
    queryKey: ['sessions', live, filter, live ? status.data?.live_sessions : null],
    queryFn: ({ pageParam, signal }) =>
      answer(api.GET('/v1/sessions', { params: { query: { live, filter, limit: PAGE, cursor: pageParam } }, signal })),
    initialPageParam: null as string | null,
    getNextPageParam: (last) => last.next ?? null,
    placeholderData: keepPreviousData,
  });
  const sessions = (query.data?.pages ?? []).flatMap((page) => page.sessions);
  const mistake = mistakeIn(filter, query.error);
  const open = (session: Session | undefined) =>
    session && void navigate({ to: '/sessions/$id', params: { id: session.id }, search: {} });
  useKeys({
    j: () => setCursor((at) => Math.min(at + 1, sessions.length - 1)),
    k: () => setCursor((at) => Math.max(at - 1, 0)),
    Enter: () => open(sessions[cursor]),
  });

  return (
    <>
      <div className="bar">
        <SearchBox handle={handle} label="Search sessions" value={filter} mistake={mistake} onSearch={onSearch} />
      </div>
      <div className="sessions">
        <Refreshing when={query.isFetching && !live} />
        {query.isError && !mistake && <Failed error={query.error} retry={() => void query.refetch()} />}
        {query.isPending && !query.isError && <Loading rows={12} />}
        {query.isSuccess && sessions.length === 0 && (
          <Empty title={live ? 'Nobody is in a session now' : 'No session matches'}>
            <p>
              {live
                ? 'Sessions appear here as they begin.'
                : 'Sessions are there for those who may read their first event.'}
            </p>
          </Empty>
        )}
        {sessions.length > 0 && (
          <table className="table">
            <thead>
              <tr>
                <th>Started</th>
                <th>Who</th>
                <th>Where</th>
                <th className="wide-only">From</th>
                <th className="end">Length</th>
                <th className="wide-only end">Shown</th>
                <th className="wide-only">Ended by</th>
                <th>
                  <span className="hidden-visually">Actions</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {sessions.map((session, at) => (
                <Row key={session.id} session={session} here={at === cursor} onCut={() => setCutting(session)} />
              ))}
            </tbody>
          </table>
        )}
        {query.hasNextPage && (
          <div className="more">
            <Button
              disabled={query.isFetchingNextPage && 'They are being fetched'}
              onClick={() => void query.fetchNextPage()}
            >
              Older sessions
            </Button>
          </div>
        )}
      </div>
      {cutting && <Cut session={cutting} onClose={() => setCutting(null)} />}
    </>
  );
}

function Row({ session, here, onCut }: { session: Session; here: boolean; onCut: () => void }) {
  const row = useRef<HTMLTableRowElement>(null);
  const refused = useRefused();
  useEffect(() => {
    if (here) row.current?.scrollIntoView({ block: 'nearest' });
  }, [here]);
  const length = (session.ended ? Date.parse(session.ended) : Date.now()) - Date.parse(session.started);
  return (
    <tr ref={row} data-cursor={here}>
      <td>
        <Link to="/sessions/$id" params={{ id: session.id }} search={{}}>
          <Time at={session.started} />
        </Link>
      </td>
      <td>{session.user}</td>
      <td>
        {session.login}@{session.target}
      </td>
      <td className="wide-only mono">{session.origin ?? '–'}</td>
      <td className="end num">{span(length)}</td>
      <td className="wide-only end num">{bytes(session.bytes_out)}</td>
      <td className="wide-only">{session.ended_by ?? '–'}</td>
      <td className="end">
        {!session.ended && (
          <span className="row live-cell">
            <span className="badge good">live</span>
            {!refused('sessions.watch') && (
              <Link to="/sessions/$id" params={{ id: session.id }} search={{ watch: true }}>
                Watch
              </Link>
            )}
            {!refused('sessions.kill') && (
              <button type="button" className="linklike bad" onClick={onCut}>
                Cut
              </button>
            )}
          </span>
        )}
      </td>
    </tr>
  );
}

function Cut({ session, onClose }: { session: Session; onClose: () => void }) {
  const client = useQueryClient();
  const [reason, setReason] = useState('');
  const cut = async () => {
    onClose();
    try {
      await answer(api.DELETE('/v1/sessions/{id}', { params: { path: { id: session.id }, query: { reason } } }));
      say(`The session of ${session.user} on ${session.target} was cut`);
    } catch (error) {
      complain('The session still runs', error);
    }
    await client.invalidateQueries({ queryKey: ['sessions'] });
  };
  return (
    <Dialog
      open
      onClose={onClose}
      title="Cut this session?"
      footer={
        <>
          <Button onClick={onClose}>Let it run</Button>
          <Button look="danger" onClick={() => void cut()}>
            Cut the session
          </Button>
        </>
      }
    >
      <p>
        <strong>{session.user}</strong> is <code>{session.login}</code> on <strong>{session.target}</strong> since{' '}
        <Time at={session.started} />. The connection ends at once; what was done so far stays recorded. It does not
        keep anybody from coming back: that is what a lock is for.
      </p>
      <Field
        label="Why"
        help="They read it on their terminal, and it stands in the log. It may be empty."
        maxLength={500}
        value={reason}
        onChange={(event) => setReason(event.target.value)}
      />
    </Dialog>
  );
}
