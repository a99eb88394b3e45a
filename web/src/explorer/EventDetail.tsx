/** An open event: who, what, when, where and why; its JSON; what happened around it; its proof. */

import { useQuery } from '@tanstack/react-query';
import { lazy, Suspense } from 'react';
import { answer, api, type EventRow } from '../api/client.ts';
import { Button } from '../ui/Button.tsx';
import { count } from '../ui/figures.ts';
import { Icon } from '../ui/Icon.tsx';
import { Failed, Loading } from '../ui/states.tsx';
import { Tabs } from '../ui/Tabs.tsx';
import { bothZones, stamp } from '../ui/time.tsx';
import { complain, say } from '../ui/toast.tsx';
import { Outcome } from './EventTable.tsx';
import { fieldInfo } from './filter/complete.ts';
import { Json } from './Json.tsx';
import { SessionLink } from './SessionLink.tsx';
import { flatten, summary } from './summary.ts';

const Proof = lazy(() => import('./Proof.tsx'));

interface Props {
  row: EventRow;
  zone: string;
  part: string;
  onPart: (part: string) => void;
  onInclude: (field: string, value: unknown) => void;
  onExclude: (field: string, value: unknown) => void;
  onShow: (row: EventRow) => void;
}

export function EventDetail(props: Props) {
  const { row, part, onPart } = props;
  const parts = [
    { id: 'facts', name: 'Facts', panel: () => <Facts {...props} /> },
    { id: 'json', name: 'JSON', panel: () => <Json value={row.event} /> },
    { id: 'around', name: 'Around', panel: () => <AroundEvent {...props} /> },
    {
      id: 'proof',
      name: 'Proof',
      panel: () => (
        <Suspense fallback={<Loading rows={3} />}>
          <Proof row={row} />
        </Suspense>
      ),
    },
  ];
  return (
    <section className="detail" aria-label={`Event ${row.event.kind}`}>
      <Tabs
        label="Parts of the event"
        tabs={parts}
        value={parts.some(({ id }) => id === part) ? part : 'facts'}
        onChange={onPart}
        extra={
          <>
            {row.event.session && (
              <SessionLink className="button quiet" id={row.event.session} at={row.event.time}>
                <Icon name="sessions" size={13} /> Session
              </SessionLink>
            )}
            <Button look="quiet" label="Copy a link to this event" onClick={() => void copy(location.href, 'The link')}>
              <Icon name="link" />
            </Button>
            <Button
              look="quiet"
              label="Copy the JSON"
              onClick={() => void copy(JSON.stringify(row.event, null, 2), 'The event')}
            >
              <Icon name="copy" />
            </Button>
          </>
        }
      />
    </section>
  );
}

async function copy(text: string, what: string) {
  try {
    await navigator.clipboard.writeText(text);
    say(`${what} was copied`);
  } catch (error) {
    complain(`${what} was not copied`, error);
  }
}

const GROUPS: [string, RegExp][] = [
  ['Who', /^actor\./],
  ['What', /^(kind|outcome|reason|raw)$|^detail/],
  ['When', /^(time|log_time)$/],
  ['Where', /^(origin|target|source|session)/],
  ['Why', /^policy\./],
  ['Record', /^(id|position)$/],
];

function Facts({ row, zone, onInclude, onExclude }: Props) {
  const fields: [string, unknown][] = [...flatten(row.event), ['log_time', row.log_time], ['position', row.position]];
  const groups = GROUPS.map(([name, of]) => ({ name, fields: fields.filter(([field]) => of.test(field)) }));
  return (
    <div className="facts-groups">
      {groups
        .filter((group) => group.fields.length > 0)
        .map((group) => (
          <section key={group.name}>
            <h3>{group.name}</h3>
            <dl className="facts">
              {group.fields.map(([field, value]) => (
                <div key={field} className="fact">
                  <dt title={fieldInfo(field)?.says}>{field.replace(/^(actor|detail|policy)\./, '')}</dt>
                  <dd>
                    <FactValue field={field} value={value} zone={zone} />
                    {field !== 'log_time' && field !== 'position' && (
                      <span className="pick">
                        <button
                          type="button"
                          aria-label={`Only ${field}: ${value}`}
                          title="Only these"
                          onClick={() => onInclude(field, first(value))}
                        >
                          <Icon name="plus" size={12} />
                        </button>
                        <button
                          type="button"
                          aria-label={`Without ${field}: ${value}`}
                          title="Without these"
                          onClick={() => onExclude(field, first(value))}
                        >
                          <Icon name="minus" size={12} />
                        </button>
                      </span>
                    )}
                  </dd>
                </div>
              ))}
            </dl>
          </section>
        ))}
    </div>
  );
}

const first = (value: unknown) => (Array.isArray(value) ? value[0] : value);

function FactValue({ field, value, zone }: { field: string; value: unknown; zone: string }) {
  if (field === 'outcome') return <Outcome value={String(value)} />;
  if (field === 'session') {
    return (
      <SessionLink id={String(value)} className="mono">
        {String(value)}
      </SessionLink>
    );
  }
  if (field === 'time' || field === 'log_time') {
    return (
      <span className="num" title={bothZones(String(value), zone)}>
        {stamp(String(value), zone)} {zone} <span className="muted">{String(value)}</span>
      </span>
    );
  }
  if (field === 'position') return <span className="num">{count(Number(value))}</span>;
  if (Array.isArray(value))
    return (
      <span>
        {value.map((item) => (typeof item === 'object' ? JSON.stringify(item) : String(item))).join(', ') || '–'}
      </span>
    );
  const mono = /(id|command|path|statement|filter|raw|root|key|address|ip)$/i.test(field);
  return (
    <span className={mono ? 'mono' : ''}>
      {String(value) === '' ? <span className="muted">empty</span> : String(value)}
    </span>
  );
}

function AroundEvent({ row, zone, onShow }: Props) {
  const around = useQuery({
    queryKey: ['around', row.event.id],
    queryFn: ({ signal }) =>
      answer(api.GET('/v1/events/around', { params: { query: { id: row.event.id, limit: 8 } }, signal })),
    staleTime: 60_000,
  });
  if (around.isError) return <Failed error={around.error} retry={() => void around.refetch()} />;
  if (!around.data) return <Loading rows={6} />;
  const { before, after } = around.data;
  const line = (other: EventRow) => (
    <li key={other.event.id} aria-current={other.event.id === row.event.id ? 'true' : undefined}>
      <button type="button" onClick={() => onShow(other)}>
        <span className="num muted">{stamp(other.event.time, zone).slice(11)}</span>
        <span className="num muted">{offset(other, row)}</span>
        <span className="clip">{other.event.kind}</span>
        <span className="clip">{other.event.actor.user}</span>
        <span className="clip summary">{summary(other.event)}</span>
      </button>
    </li>
  );
  const rows = (list: unknown) => list as EventRow[];
  return <ol className="around">{[...rows(before), row, ...rows(after)].map(line)}</ol>;
}

function offset(other: EventRow, row: EventRow): string {
  const ms = Date.parse(other.event.time) - Date.parse(row.event.time);
  if (other.event.id === row.event.id) return 'this';
  const sign = ms < 0 ? '−' : '+';
  return Math.abs(ms) < 60_000
    ? `${sign}${(Math.abs(ms) / 1000).toFixed(1)} s`
    : `${sign}${Math.round(Math.abs(ms) / 60_000)} min`;
}
