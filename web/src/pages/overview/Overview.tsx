/** How the server and its log are doing, and what deserves a look. */

import { keepPreviousData, useQuery, useQueryClient } from '@tanstack/react-query';
import { Link, useNavigate } from '@tanstack/react-router';
import { lazy, type ReactNode, Suspense, useState } from 'react';
import { answer, api, type EventRow } from '../../api/client.ts';
import { useStatus } from '../../api/status.ts';
import { summary } from '../../explorer/summary.ts';
import { Button } from '../../ui/Button.tsx';
import { Icon } from '../../ui/Icon.tsx';
import '../../explorer/explorer.css';
import { about, bytes, count } from '../../ui/figures.ts';
import { Failed, Loading } from '../../ui/states.tsx';
import { localZone, span, Time } from '../../ui/time.tsx';
import { LogCard } from './LogCard.tsx';
import './overview.css';

const Histogram = lazy(() => import('../../explorer/Histogram.tsx'));

const DAY = { since: 'now-24h', zone: localZone() };

export default function Overview() {
  const status = useStatus();
  const client = useQueryClient();
  const [asked, setAsked] = useState(() => Date.now());
  const again = () => {
    setAsked(Date.now());
    void client.invalidateQueries({ queryKey: ['overview'] });
  };
  if (status.isError && !status.data) return <Failed error={status.error} retry={() => void status.refetch()} />;
  if (!status.data) return <Loading />;
  const { log, live_sessions, node, version } = status.data;
  const behind = log.entries - log.checkpoint_size;
  return (
    <div className="page">
      <div className="head">
        <h1 className="grow">Overview</h1>
        <span className="muted">
          {node} · Lodge {version} · as of <Time at={new Date(asked).toISOString()} as="clock" />
        </span>
        <Button onClick={again}>
          <Icon name="again" /> Refresh
        </Button>
      </div>
      {status.isError && (
        <div className="banner bad" role="alert">
          {status.error.message} What you see is older.
        </div>
      )}
      <div className="figures">
        <Figure name="Events in the log" value={about(log.entries)} note={count(log.entries)} />
        <Figure
          name="Live sessions"
          value={count(live_sessions)}
          note={
            <Link to="/sessions" search={{ view: 'live' }}>
              Watch them
            </Link>
          }
        />
        <Figure name="Log on disk" value={bytes(log.stored_bytes)} note={`${bytes(log.free_bytes)} free`} />
        <Figure
          name="Last checkpoint"
          value={<Time at={log.checkpoint_time} as="ago" />}
          note={behind <= 0 ? 'covers every event' : `${count(behind)} events wait for the next`}
        />
      </div>
      <LastDay />
      <div className="columns">
        <Recent title="Refused" filter="outcome: denied" nothing="Nothing was refused in 24 hours." />
        <Recent
          title="Failed logins"
          filter="kind: user.login and outcome: failure"
          nothing="No login failed in 24 hours."
        />
        <LiveSessions live={live_sessions} />
        <LogCard state={log.state} />
      </div>
    </div>
  );
}

function Figure({ name, value, note }: { name: string; value: ReactNode; note?: ReactNode }) {
  return (
    <div className="figure">
      <div className="muted">{name}</div>
      <div className="value num">{value}</div>
      <div className="muted">{note ?? '\u00a0'}</div>
    </div>
  );
}

function LastDay() {
  const navigate = useNavigate();
  const histogram = useQuery({
    queryKey: ['overview', 'histogram'],
    queryFn: ({ signal }) =>
      answer(
        api.GET('/v1/events/histogram', {
          params: { query: { ...DAY, interval: '96', split: 'outcome', series: 3 } },
          signal,
        }),
      ),
    retry: false,
  });
  return (
    <section className="card">
      <header>
        <h2 className="grow">Last 24 hours</h2>
        <Link to="/events" search={{}}>
          {histogram.data ? `${count(histogram.data.events)} events` : 'Events'}
        </Link>
      </header>
      <div className="body day">
        {histogram.isError ? (
          <p className="muted">{histogram.error.message}</p>
        ) : histogram.data && histogram.data.bars.length > 0 ? (
          <Suspense>
            <Histogram
              data={histogram.data}
              zone={localZone()}
              height={110}
              onRange={(since, until) => void navigate({ to: '/events', search: { since, until } })}
            />
          </Suspense>
        ) : histogram.data ? (
          <p className="muted">Nothing happened, or nothing that your roles let you see.</p>
        ) : null}
      </div>
    </section>
  );
}

function Recent({ title, filter, nothing }: { title: string; filter: string; nothing: string }) {
  const events = useQuery({
    queryKey: ['overview', filter],
    queryFn: async ({ signal }) => {
      const query = { ...DAY, filter };
      const [page, all] = await Promise.all([
        answer(api.GET('/v1/events', { params: { query: { ...query, limit: 6 } }, signal })),
        answer(api.GET('/v1/events/count', { params: { query }, signal })),
      ]);
      return { rows: page.events as unknown as EventRow[], events: all.events };
    },
    retry: false,
  });
  return (
    <section className="card">
      <header>
        <h2 className="grow">{title}</h2>
        <Link to="/events" search={{ q: filter }}>
          {events.data ? `${count(events.data.events)} in 24 hours` : 'Show'}
        </Link>
      </header>
      {events.isError ? (
        <p className="body muted">{events.error.message}</p>
      ) : !events.data ? (
        <Loading rows={4} />
      ) : events.data.rows.length === 0 ? (
        <p className="body muted">{nothing}</p>
      ) : (
        <ul className="recent">
          {events.data.rows.map((row) => (
            <li key={row.event.id}>
              <Link to="/events" search={{ q: filter, open: row.event.id }}>
                <Time at={row.event.time} as="ago" />
                <strong className="clip">{row.event.actor.user || 'nobody known'}</strong>
                <span className="clip muted">{summary(row.event)}</span>
              </Link>
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}

function LiveSessions({ live }: { live: number }) {
  const sessions = useQuery({
    queryKey: ['overview', 'live', live],
    queryFn: ({ signal }) => answer(api.GET('/v1/sessions', { params: { query: { live: true, limit: 6 } }, signal })),
    placeholderData: keepPreviousData,
    retry: false,
  });
  return (
    <section className="card">
      <header>
        <h2 className="grow">Live sessions</h2>
        <Link to="/sessions" search={{ view: 'live' }}>
          All
        </Link>
      </header>
      {sessions.isError ? (
        <p className="body muted">{sessions.error.message}</p>
      ) : !sessions.data ? (
        <Loading rows={4} />
      ) : sessions.data.sessions.length === 0 ? (
        <p className="body muted">Nobody is in a session now.</p>
      ) : (
        <ul className="recent">
          {sessions.data.sessions.map((session) => (
            <li key={session.id}>
              <Link to="/sessions/$id" params={{ id: session.id }} search={{}}>
                <span className="num muted">{span(Date.now() - Date.parse(session.started))}</span>
                <strong className="clip">{session.user}</strong>
                <span className="clip muted">
                  {session.login}@{session.target}
                </span>
              </Link>
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}
