/** Questions in SQL: a statement, its rows, and a picture where they have the shape for one. */

import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { useEffect, useState } from 'react';
import { fetchRaw } from '../../api/client.ts';
import { LodgeError } from '../../api/problem.ts';
import { download } from '../../explorer/download.ts';
import { csvField } from '../../explorer/export.ts';
import { Button } from '../../ui/Button.tsx';
import { count, plural } from '../../ui/figures.ts';
import { Icon } from '../../ui/Icon.tsx';
import { Empty, Failed, Loading, Refreshing } from '../../ui/states.tsx';
import { localZone } from '../../ui/time.tsx';
import { EventsTabs } from './EventsTabs.tsx';
import '../../explorer/explorer.css';

interface SqlAnswer {
  columns: { name: string; type: string }[];
  rows: unknown[][];
}

const EXAMPLES: [string, string][] = [
  ['Who did most', 'select actor_user, count(*) as events from events\ngroup by 1 order by 2 desc limit 12'],
  ['Kinds', 'select kind, count(*) as events from events\ngroup by 1 order by 2 desc limit 12'],
  [
    'Denials by hour',
    "select date_trunc('hour', time) as hour, count(*) as denied from events\nwhere outcome = 'denied' group by 1 order by 1",
  ],
  ['Tables', 'show tables'],
  ['Columns', 'describe events'],
];
const MOST_SHOWN = 1000;

async function run(statement: string, signal: AbortSignal): Promise<SqlAnswer> {
  const response = await fetchRaw('/v1/sql', {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', Accept: 'application/json' },
    body: JSON.stringify({ statement, zone: localZone() }),
    signal,
  });
  return (await response.json()) as SqlAnswer;
}

export default function Sql() {
  const { statement } = useSearch({ from: '/shell/events/sql' });
  const navigate = useNavigate({ from: '/events/sql' });
  const [text, setText] = useState(statement ?? EXAMPLES[0]?.[1] ?? '');
  const [again, setAgain] = useState(0);
  useEffect(() => {
    if (statement) setText(statement);
  }, [statement]);
  const result = useQuery({
    queryKey: ['sql', statement, again],
    queryFn: ({ signal }) => run(statement ?? '', signal),
    enabled: Boolean(statement),
    placeholderData: keepPreviousData,
    retry: false,
    staleTime: Number.POSITIVE_INFINITY,
  });
  const ask = (next: string) => {
    setText(next);
    if (next.trim() === statement) setAgain((value) => value + 1);
    else void navigate({ search: { statement: next.trim() } });
  };
  const missing = result.error instanceof LodgeError && (result.error.status === 501 || result.error.status === 404);

  return (
    <div className="explorer">
      <EventsTabs />
      <div className="sql">
        <Refreshing when={result.isFetching} />
        <textarea
          className="input"
          aria-label="Statement"
          rows={5}
          spellCheck={false}
          value={text}
          onChange={(event) => setText(event.target.value)}
          onKeyDown={(event) => {
            if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) {
              event.preventDefault();
              ask(text);
            }
          }}
        />
        <div className="row wrap">
          <Button look="primary" disabled={!text.trim() && 'Type a statement first'} onClick={() => ask(text)}>
            Run <kbd>Ctrl ⏎</kbd>
          </Button>
          {EXAMPLES.map(([name, example]) => (
            <Button key={name} look="quiet" onClick={() => ask(example)}>
              {name}
            </Button>
          ))}
        </div>
        {missing ? (
          <Empty title="This server has no SQL">
            <p>{result.error?.message}</p>
            <p>The filter, counts, histograms and top values of the Events tab do not need it.</p>
          </Empty>
        ) : result.isError ? (
          <Failed error={result.error} />
        ) : result.data ? (
          <Result data={result.data} />
        ) : statement ? (
          <Loading />
        ) : (
          <Empty title="Ask with a statement">
            <p>Read-only, and within what your roles let you see. Each statement is itself an event.</p>
          </Empty>
        )}
      </div>
    </div>
  );
}

const numeric = (type: string) => /^(Int|UInt|Float|Decimal)/.test(type);
const cell = (value: unknown) =>
  value === null ? '' : typeof value === 'object' ? JSON.stringify(value) : String(value);

function Result({ data }: { data: SqlAnswer }) {
  const save = () => {
    const lines = [data.columns.map((column) => column.name), ...data.rows];
    download('rows.csv', lines.map((line) => `${line.map(csvField).join(',')}\r\n`).join(''), 'text/csv');
  };
  return (
    <>
      <Bars data={data} />
      <div className="row">
        <strong className="num">{plural(data.rows.length, 'row')}</strong>
        {data.rows.length > MOST_SHOWN && <span className="muted">the first {count(MOST_SHOWN)} are shown</span>}
        <span className="grow" />
        <Button disabled={data.rows.length === 0 && 'There are no rows'} onClick={save}>
          <Icon name="download" /> CSV
        </Button>
      </div>
      <div className="table-scroll">
        <table className="table">
          <thead>
            <tr>
              {data.columns.map((column) => (
                <th key={column.name} title={column.type} className={numeric(column.type) ? 'end' : ''}>
                  {column.name}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {data.rows.slice(0, MOST_SHOWN).map((row, at) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: rows of an answer have no names and do not move.
              <tr key={at}>
                {data.columns.map((column, index) => (
                  <td key={column.name} className={numeric(column.type) ? 'end num' : ''} title={cell(row[index])}>
                    {row[index] === null ? <span className="muted">null</span> : cell(row[index])}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </>
  );
}

/** A bar for each row, where the first column names and the second counts. */
function Bars({ data }: { data: SqlAnswer }) {
  const [name, figure] = data.columns;
  if (!name || !figure || !numeric(figure.type) || data.rows.length < 2 || data.rows.length > 60) return null;
  const values = data.rows.map((row) => Number(row[1]));
  const most = Math.max(...values);
  if (!(most > 0) || values.some((value) => value < 0)) return null;
  return (
    <figure className="bars" aria-label={`${figure.name} by ${name.name}`}>
      {data.rows.map((row, at) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: rows of an answer have no names and do not move.
        <div key={at}>
          <span className="clip" title={cell(row[0])}>
            {cell(row[0]) || '(empty)'}
          </span>
          <span className="track">
            <i style={{ width: `${(100 * (values[at] ?? 0)) / most}%` }} />
          </span>
          <span className="num">{count(values[at] ?? 0)}</span>
        </div>
      ))}
    </figure>
  );
}
