import { useQuery } from '@tanstack/react-query';
import { answer, api } from '../../api/client.ts';
import { about, bytes, count } from '../../ui/figures.ts';
import { Failed, Loading, Refreshing } from '../../ui/states.tsx';
import { Time } from '../../ui/time.tsx';
import './overview.css';

/** How the server and its log are doing. */
export default function Overview() {
  const status = useQuery({
    queryKey: ['status'],
    queryFn: ({ signal }) => answer(api.GET('/v1/status', { signal })),
    refetchInterval: 10_000,
  });
  if (status.isError && !status.data) return <Failed error={status.error} retry={() => void status.refetch()} />;
  if (!status.data) return <Loading />;
  const { log, live_sessions, node, version } = status.data;
  const behind = log.entries - log.checkpoint_size;
  return (
    <div className="page">
      <Refreshing when={status.isFetching && status.isStale} />
      <div className="head">
        <h1 className="grow">Overview</h1>
        <span className="muted">
          {node} · Lodge {version}
        </span>
      </div>
      <div className="figures">
        <Figure name="Events in the log" value={about(log.entries)} note={count(log.entries)} />
        <Figure name="Live sessions" value={count(live_sessions)} />
        <Figure name="Log on disk" value={bytes(log.stored_bytes)} note={`${bytes(log.free_bytes)} free`} />
        <Figure
          name="Last checkpoint"
          value={<Time at={log.checkpoint_time} as="ago" />}
          note={behind === 0 ? 'covers every event' : `${count(behind)} events wait for the next`}
        />
      </div>
    </div>
  );
}

function Figure({ name, value, note }: { name: string; value: React.ReactNode; note?: string }) {
  return (
    <div className="figure">
      <div className="muted">{name}</div>
      <div className="value num">{value}</div>
      <div className="muted">{note ?? '\u00a0'}</div>
    </div>
  );
}
