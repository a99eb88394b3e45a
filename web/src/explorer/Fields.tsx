/** The fields beside the rows: each with its most frequent values, a click away from the filter. */

import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { answer, api } from '../api/client.ts';
import { Button } from '../ui/Button.tsx';
import { about, count } from '../ui/figures.ts';
import { Icon } from '../ui/Icon.tsx';
import { FIELDS, fieldInfo } from './filter/complete.ts';
import { mistakeIn } from './filter/mistake.ts';
import type { Asked } from './question.ts';

/** Those that lie in columns of the archive come first, since ranking them is fast. */
const FIRST = [
  'kind',
  'outcome',
  'actor.user',
  'target.name',
  'origin.ip',
  'actor.type',
  'target.type',
  'source.name',
  'policy.roles',
  'detail.login',
  'detail.command',
];

interface Props {
  asked: Asked;
  columns: string[];
  onInclude: (field: string, value: unknown) => void;
  onExclude: (field: string, value: unknown) => void;
  onColumn: (field: string) => void;
}

export function Fields(props: Props) {
  const [open, setOpen] = useState<Record<string, boolean>>({ kind: true, 'actor.user': true });
  const [find, setFind] = useState('');
  const names = find
    ? FIELDS.map((field) => field.name)
        .filter((name) => name.toLowerCase().includes(find.toLowerCase()))
        .slice(0, 30)
    : [...new Set([...FIRST, ...props.columns])];
  return (
    <aside className="fields" aria-label="Fields">
      <input
        className="input"
        aria-label="Find a field"
        placeholder="Find a field"
        value={find}
        onChange={(event) => setFind(event.target.value)}
      />
      <ul>
        {names.map((name) => (
          <li key={name}>
            <div className="fieldline">
              <button
                type="button"
                className="name clip"
                aria-expanded={Boolean(open[name])}
                title={fieldInfo(name)?.says}
                onClick={() => setOpen({ ...open, [name]: !open[name] })}
              >
                <Icon name={open[name] ? 'down' : 'right'} size={12} />
                <span className="clip">{name}</span>
              </button>
              <Button
                look="quiet"
                className="tiny"
                label={props.columns.includes(name) ? `Hide the column ${name}` : `Show ${name} as a column`}
                aria-pressed={props.columns.includes(name)}
                onClick={() => props.onColumn(name)}
              >
                <Icon name="columns" size={13} />
              </Button>
            </div>
            {open[name] && <TopValues field={name} {...props} />}
          </li>
        ))}
        {names.length === 0 && (
          <li className="muted">No field has this in its name. Fields of details can still be asked for.</li>
        )}
      </ul>
    </aside>
  );
}

function TopValues({ field, asked, onInclude, onExclude }: Props & { field: string }) {
  const top = useQuery({
    queryKey: ['top', field, asked],
    queryFn: ({ signal }) =>
      answer(api.GET('/v1/events/top', { params: { query: { ...asked, field, limit: 8 } }, signal })),
    placeholderData: (before) => before,
    retry: false,
  });
  if (top.isError)
    return (
      <p className="muted top-note">
        {mistakeIn(asked.filter, top.error) ? 'The filter cannot be read.' : top.error.message}
      </p>
    );
  if (!top.data) return <p className="muted top-note">Counting …</p>;
  const { values, events, without, distinct } = top.data;
  if (values.length === 0) return <p className="muted top-note">No event here has it.</p>;
  return (
    <ul className="top" aria-busy={top.isFetching}>
      {values.map(({ value, events: having }) => (
        <li key={value} style={{ '--share': `${(100 * having) / Math.max(1, events)}%` } as React.CSSProperties}>
          <button
            type="button"
            className="value clip"
            title={`${value}: ${count(having)} events. Show only these.`}
            onClick={() => onInclude(field, value)}
          >
            {value || '(empty)'}
          </button>
          <span className="num muted">{about(having)}</span>
          <Button
            look="quiet"
            className="tiny only-hover"
            label={`Leave out ${field}: ${value}`}
            onClick={() => onExclude(field, value)}
          >
            <Icon name="minus" size={12} />
          </Button>
        </li>
      ))}
      <li className="muted top-note">
        {distinct > values.length && `${count(distinct - values.length)} more values. `}
        {without > 0 && (
          <button type="button" className="linklike" onClick={() => onInclude(field, null)}>
            {about(without)} without
          </button>
        )}
      </li>
    </ul>
  );
}
