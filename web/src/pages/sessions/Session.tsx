/** A session: its recording, checked here, and everything that happened in it, on one line of time. */

import { useQuery, useQueryClient } from '@tanstack/react-query';
import { Link, useNavigate, useParams, useSearch } from '@tanstack/react-router';
import { lazy, Suspense, useCallback, useEffect, useMemo, useRef, useState } from 'react';
import { answer, api, type EventRow, fetchRaw, type Schemas } from '../../api/client.ts';
import { LodgeError } from '../../api/problem.ts';
import { useRefused } from '../../api/session.ts';
import { download } from '../../explorer/download.ts';
import { Outcome } from '../../explorer/EventTable.tsx';
import '../../explorer/explorer.css';
import { summary } from '../../explorer/summary.ts';
import { channels, develop, fromSeconds, toSeconds } from '../../player/film.ts';
import type { PlayerHandle } from '../../player/Player.tsx';
import { decode, type Recording } from '../../player/recording.ts';
import { Button } from '../../ui/Button.tsx';
import { bytes } from '../../ui/figures.ts';
import { Icon } from '../../ui/Icon.tsx';
import { Menu } from '../../ui/Menu.tsx';
import { Empty, Failed, Loading } from '../../ui/states.tsx';
import { span, Time } from '../../ui/time.tsx';
import { complain } from '../../ui/toast.tsx';
import './sessions.css';

const Live = lazy(() => import('../../player/Live.tsx'));
const Player = lazy(() => import('../../player/Player.tsx'));

const MOST_EVENTS = 1000;
/** What happens this long after the end belongs to the session, and not to its line of time: somebody watched it, say. */
const LATER_MS = 5000;

interface Loaded {
  recording: Recording;
  file: Uint8Array<ArrayBuffer>;
}

async function load(id: string, fromMs: number, signal: AbortSignal): Promise<Loaded> {
  const response = await fetchRaw(`/v1/recordings/${encodeURIComponent(id)}/file?format=terminal&from_ms=${fromMs}`, {
    signal,
  });
  const file = new Uint8Array(await response.arrayBuffer());
  return { recording: await decode(file), file };
}

export default function SessionPage() {
  const { id } = useParams({ from: '/shell/sessions/$id' });
  const search = useSearch({ from: '/shell/sessions/$id' });
  const session = useQuery({
    queryKey: ['session', id],
    queryFn: ({ signal }) => answer(api.GET('/v1/sessions/{id}', { params: { path: { id } }, signal })),
    retry: false,
  });
  const client = useQueryClient();
  const begin = useRef(search.t ?? 0);
  const runs = session.data !== undefined && !session.data.ended;
  const recorded = useQuery({
    queryKey: ['recording', id],
    queryFn: ({ signal }) => load(id, fromSeconds(begin.current), signal),
    staleTime: Number.POSITIVE_INFINITY,
    retry: false,
    // Fetching what a session shows while it runs is watching it, which nobody does by opening a page.
    enabled: session.data !== undefined && !runs,
  });
  const again = useCallback(() => {
    void client.invalidateQueries({ queryKey: ['session', id] });
    void client.invalidateQueries({ queryKey: ['session-events', id] });
  }, [client, id]);
  if (session.isError) return <Failed error={session.error} retry={() => void session.refetch()} />;
  if (!session.data) return <Loading />;
  return (
    <div className="session-page">
      <Head session={session.data} loaded={recorded.data} />
      <div className="session-body">
        {recorded.data ? (
          <Watch key={recorded.dataUpdatedAt} session={session.data} loaded={recorded.data} />
        ) : runs ? (
          <>
            <div className="session-main">
              <Running key={id} session={session.data} begin={search.watch === true} onEnd={again} />
            </div>
            <SessionEvents session={session.data} moment={-1} onSeek={null} />
          </>
        ) : (
          <>
            <div className="session-main">
              {recorded.isError ? <NoRecording error={recorded.error} /> : <Loading />}
            </div>
            <SessionEvents session={session.data} moment={-1} onSeek={null} />
          </>
        )}
      </div>
    </div>
  );
}

/** A session that still runs: who wants to see it says so, and the log then says so too. */
function Running({ session, begin, onEnd }: { session: Schemas['Session']; begin: boolean; onEnd: () => void }) {
  const [watching, setWatching] = useState(begin);
  const refused = useRefused();
  if (watching)
    return (
      <Suspense fallback={<Loading />}>
        <Live session={session.id} onEnd={onEnd} onLeave={() => setWatching(false)} />
      </Suspense>
    );
  return (
    <Empty title="This session still runs">
      <p>
        You can look on. That is an event, and the person may be told, as their role has it. The recording can be played
        when the session has ended.
      </p>
      <div className="row">
        <Button look="primary" disabled={refused('sessions.watch')} onClick={() => setWatching(true)}>
          <Icon name="live" /> Watch
        </Button>
        <Button onClick={onEnd}>
          <Icon name="again" /> Has it ended?
        </Button>
      </div>
    </Empty>
  );
}

function NoRecording({ error }: { error: unknown }) {
  if (error instanceof LodgeError && error.status === 404) {
    return (
      <Empty title="There is no recording">
        <p>
          The role that allowed this session records no terminal, or your roles do not let you watch. Its events are
          beside this.
        </p>
      </Empty>
    );
  }
  return <Failed error={error} />;
}

function Head({ session, loaded }: { session: Schemas['Session']; loaded: Loaded | undefined }) {
  const save = async (format: string, name: string) => {
    try {
      const response = await fetchRaw(`/v1/recordings/${session.id}/export?format=${format}`);
      download(name, await response.blob(), 'application/octet-stream');
    } catch (error) {
      complain('The recording was not exported', error);
    }
  };
  const end = session.ended ? Date.parse(session.ended) : Date.now();
  return (
    <header className="session-head">
      <Link to="/sessions" search={{}} className="button quiet square" aria-label="All sessions">
        <Icon name="left" />
      </Link>
      <h1>
        {session.user} <span className="muted">as</span> {session.login}@{session.target}
      </h1>
      {!session.ended && <span className="badge good">live</span>}
      <span className="muted">
        <Time at={session.started} /> · {span(end - Date.parse(session.started))} · {bytes(session.bytes_out)} shown
        {session.origin ? ` · from ${session.origin}` : ''}
        {session.ended_by ? ` · ended by ${session.ended_by}` : ''}
      </span>
      <span className="grow" />
      {loaded && <Check session={session} loaded={loaded} />}
      <Menu
        align="end"
        trigger={
          <Button disabled={!loaded && 'There is no recording here to save'}>
            <Icon name="download" /> Save
          </Button>
        }
        items={[
          {
            text: 'The recording itself, to be verified anywhere',
            act: () => loaded && download(`${session.id}.rec`, loaded.file, 'application/octet-stream'),
          },
          { text: 'asciicast v3', act: () => void save('asciicast-v3', `${session.id}.cast`), apart: true },
          { text: 'Text', act: () => void save('text', `${session.id}.txt`) },
          { text: 'JSON lines', act: () => void save('json', `${session.id}.ndjson`) },
        ]}
      />
    </header>
  );
}

/** Whether every byte that is played is what the log committed to. */
function Check({ session, loaded }: { session: Schemas['Session']; loaded: Loaded }) {
  const { recording } = loaded;
  if (recording.damage)
    return (
      <span className="badge bad" title={recording.damage}>
        damaged
      </span>
    );
  if (!session.ended)
    return (
      <span className="badge" title="A recording is sealed when its session ends.">
        not sealed yet
      </span>
    );
  if (!session.recording_root)
    return (
      <span className="badge warn" title="The log holds no root for this recording.">
        no root in the log
      </span>
    );
  if (recording.root !== session.recording_root) {
    return (
      <span
        className="badge bad"
        title={`The file leads to ${recording.root}, the log holds ${session.recording_root}.`}
      >
        not what the log holds
      </span>
    );
  }
  return (
    <span
      className="badge good"
      title={`Every chunk was hashed here; they lead to the root that session.end carries: ${recording.root}`}
    >
      <Icon name="seal" size={13} /> matches the log’s root
    </span>
  );
}

function Watch({ session, loaded }: { session: Schemas['Session']; loaded: Loaded }) {
  const { recording } = loaded;
  const search = useSearch({ from: '/shell/sessions/$id' });
  const navigate = useNavigate({ from: '/sessions/$id' });
  const player = useRef<PlayerHandle>(null);
  const all = useMemo(() => channels(recording), [recording]);
  const [channel, setChannel] = useState(all[0]?.channel ?? 0);
  const film = useMemo(() => develop(recording, channel), [recording, channel]);
  const [moment, setMoment] = useState(0);
  const [marks, setMarks] = useState<{ at: number; name: string; bad: boolean }[]>([]);
  const began = Date.parse(recording.header.started || session.started);
  const start =
    search.t !== undefined
      ? fromSeconds(search.t)
      : search.at
        ? Date.parse(search.at) - began
        : (film.pieces.find((piece) => piece.draw)?.at ?? film.from);
  const keep = useCallback((at: number) => void navigate({ search: { t: toSeconds(at) }, replace: true }), [navigate]);
  const onEvents = useCallback(
    (rows: EventRow[]) =>
      setMarks(
        rows.map((row) => ({
          at: Date.parse(row.event.time) - began,
          name: `${row.event.kind} ${summary(row.event)}`,
          bad: row.event.outcome !== 'success',
        })),
      ),
    [began],
  );
  return (
    <>
      <div className="session-main">
        {recording.damage && (
          <div className="banner bad" role="alert">
            <span>The recording is damaged at {recording.damage}. What stands before it is shown.</span>
          </div>
        )}
        {recording.truncated && (
          <div className="banner" role="status">
            A crash or a fault cut this recording short.
          </div>
        )}
        {all.length > 1 && (
          <select
            className="select"
            aria-label="Channel"
            value={channel}
            onChange={(event) => setChannel(Number(event.target.value))}
          >
            {all.map((one) => (
              <option key={one.channel} value={one.channel}>
                {one.name}
              </option>
            ))}
          </select>
        )}
        {film.pieces.length === 0 ? (
          <Empty title="Nothing was shown">
            <p>This channel had no output.</p>
          </Empty>
        ) : (
          <Suspense fallback={<Loading />}>
            <Player
              key={channel}
              film={film}
              start={start}
              marks={marks.filter((mark) => mark.at >= film.from && mark.at <= film.to)}
              handle={player}
              onMoment={setMoment}
              onKeep={keep}
            />
          </Suspense>
        )}
      </div>
      <SessionEvents
        session={session}
        moment={moment}
        onSeek={(at) => player.current?.seek(at)}
        began={began}
        onEvents={onEvents}
      />
    </>
  );
}

interface EventsProps {
  session: Schemas['Session'];
  moment: number;
  onSeek: ((at: number) => void) | null;
  began?: number;
  onEvents?: (rows: EventRow[]) => void;
}

function SessionEvents({ session, moment, onSeek, began = Date.parse(session.started), onEvents }: EventsProps) {
  const list = useRef<HTMLOListElement>(null);
  const end = session.ended ? Date.parse(session.ended) : Number.POSITIVE_INFINITY;
  const events = useQuery({
    queryKey: ['session-events', session.id, session.ended],
    queryFn: ({ signal }) =>
      answer(
        api.GET('/v1/events', {
          params: { query: { filter: `session: ${session.id}`, order: 'oldest', limit: MOST_EVENTS } },
          signal,
        }),
      ),
    retry: false,
  });
  const rows = useMemo(() => (events.data?.events ?? []) as unknown as EventRow[], [events.data]);
  useEffect(() => onEvents?.(rows), [rows, onEvents]);
  const current = rows.findLastIndex((row) => Date.parse(row.event.time) - began <= moment);
  useEffect(() => {
    const item = list.current?.children[current];
    const box = list.current;
    if (!(item instanceof HTMLElement) || !box) return;
    if (item.offsetTop < box.scrollTop || item.offsetTop > box.scrollTop + box.clientHeight - 40)
      box.scrollTop = item.offsetTop - 60;
  }, [current]);

  return (
    <aside className="session-events" aria-label="Events of the session">
      <div className="row pad">
        <h2 className="grow">What happened</h2>
        <Link to="/events" search={{ q: `session: ${session.id}`, since: 'all' }}>
          In Events
        </Link>
      </div>
      {events.isError && <Failed error={events.error} retry={() => void events.refetch()} />}
      {!events.data && !events.isError && <Loading rows={6} />}
      <ol ref={list}>
        {rows.map((row, at) => {
          const offset = Date.parse(row.event.time) - began;
          return (
            <li key={row.event.id} aria-current={at === current ? 'true' : undefined} data-outcome={row.event.outcome}>
              <button type="button" aria-disabled={!onSeek} onClick={() => onSeek?.(offset)}>
                <span className="num muted">
                  {offset < 0 ? 'before' : Date.parse(row.event.time) > end + LATER_MS ? 'later' : span(offset)}
                </span>
                <span className="grow">
                  <span className="muted">{row.event.kind}</span>{' '}
                  {row.event.outcome !== 'success' && <Outcome value={row.event.outcome} />}
                  <span className={row.event.kind === 'session.command' ? 'what mono' : 'what'}>
                    {summary(row.event)}
                  </span>
                </span>
              </button>
            </li>
          );
        })}
      </ol>
    </aside>
  );
}
