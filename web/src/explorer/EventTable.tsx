/** The rows: only those in sight are in the page. A row opens in its place, and nothing above it moves. */

import { useVirtualizer } from '@tanstack/react-virtual';
import { type ReactNode, useEffect, useRef } from 'react';
import type { EventRow } from '../api/client.ts';
import { Icon } from '../ui/Icon.tsx';
import { bothZones, clock, day } from '../ui/time.tsx';
import { useMedia } from '../ui/useMedia.ts';
import { fieldOf, summary } from './summary.ts';

interface Props {
  rows: EventRow[];
  columns: string[];
  zone: string;
  /** Place of the cursor among the rows, and of the open row's id. */
  cursor: number;
  open: string | undefined;
  onOpen: (row: EventRow, at: number) => void;
  onInclude: (field: string, value: unknown) => void;
  onExclude: (field: string, value: unknown) => void;
  /** Called when the first row comes into sight or leaves it. */
  onTop: (top: boolean) => void;
  /** Called when the end comes near. */
  onEnd: () => void;
  more: boolean;
  detail: (row: EventRow) => ReactNode;
  /** Rows of the question before are still shown. */
  stale: boolean;
}

const ROW_PX = 28;
const NARROW_ROW_PX = 50;
const WIDTHS: Record<string, string> = {
  kind: '172px',
  outcome: '84px',
  'actor.user': '130px',
  'target.name': '150px',
  'origin.ip': '120px',
};

export function EventTable(props: Props) {
  const { rows, columns, zone, cursor, open, more, onEnd, onTop, stale } = props;
  const narrow = useMedia('(max-width: 760px)');
  const box = useRef<HTMLDivElement>(null);
  const height = narrow ? NARROW_ROW_PX : ROW_PX;
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => box.current,
    estimateSize: () => height,
    overscan: 12,
    getItemKey: (at) => rows[at]?.event.id ?? at,
  });
  const items = virtual.getVirtualItems();
  const last = items.at(-1)?.index ?? 0;

  useEffect(() => {
    if (more && last >= rows.length - 40) onEnd();
  }, [last, rows.length, more, onEnd]);
  useEffect(() => {
    if (cursor >= 0) virtual.scrollToIndex(cursor, { align: 'auto' });
  }, [cursor, virtual]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: heights are measured anew when the form of rows changes.
  useEffect(() => virtual.measure(), [narrow, virtual]);

  const least = columns.reduce((sum, name) => sum + Number.parseInt(WIDTHS[name] ?? '140', 10), 172 + 200);
  const template = `172px ${columns.map((name) => WIDTHS[name] ?? '140px').join(' ')} minmax(200px, 1fr)`;
  const shown = narrow ? [] : columns;
  return (
    <div
      className="events-scroll"
      ref={box}
      data-stale={stale}
      onScroll={(event) => onTop(event.currentTarget.scrollTop < height)}
    >
      <div
        role="table"
        aria-label="Events"
        aria-rowcount={more ? -1 : rows.length}
        style={{ '--columns': template, '--least': `${least}px` } as React.CSSProperties}
      >
        {!narrow && (
          <div className="events-head" role="row" tabIndex={-1}>
            <span role="columnheader">Time</span>
            {columns.map((name) => (
              <span key={name} role="columnheader" className="clip">
                {name}
              </span>
            ))}
            <span role="columnheader">Summary</span>
          </div>
        )}
        <div style={{ position: 'relative', height: virtual.getTotalSize() }}>
          {items.map((item) => {
            const row = rows[item.index];
            if (!row) return null;
            const isOpen = row.event.id === open;
            const before = rows[item.index - 1];
            const newDay = !before || day(before.event.time, zone) !== day(row.event.time, zone);
            return (
              <div
                key={item.key}
                ref={virtual.measureElement}
                data-index={item.index}
                className="event"
                data-cursor={item.index === cursor}
                data-open={isOpen}
                data-outcome={row.event.outcome}
                style={{ transform: `translateY(${item.start}px)` }}
              >
                {/* biome-ignore lint/a11y/useKeyWithClickEvents: the keyboard opens rows by j, k and Enter, or by the button in it. */}
                <div
                  role="row"
                  tabIndex={-1}
                  aria-rowindex={item.index + 1}
                  className="eventline"
                  onClick={(event) => {
                    // Text that is being selected is not a wish to open the row.
                    if (!getSelection()?.toString() && !(event.target as Element).closest('.pick'))
                      props.onOpen(row, item.index);
                  }}
                >
                  <span role="cell" className="when num" title={bothZones(row.event.time, zone)}>
                    <button
                      type="button"
                      className="opener"
                      aria-expanded={isOpen}
                      aria-label={`Open ${row.event.kind}`}
                      tabIndex={-1}
                    >
                      <Icon name={isOpen ? 'down' : 'right'} size={12} />
                    </button>
                    <span className={newDay ? 'day' : 'day again'}>{day(row.event.time, zone).slice(5)}</span>{' '}
                    {clock(row.event.time, zone)}
                  </span>
                  {narrow && (
                    <span role="cell" className="kind-narrow clip">
                      {row.event.outcome !== 'success' && <Outcome value={row.event.outcome} />} {row.event.kind} ·{' '}
                      {row.event.actor.user || '–'}
                    </span>
                  )}
                  {shown.map((name) => (
                    <Cell key={name} row={row} field={name} onInclude={props.onInclude} onExclude={props.onExclude} />
                  ))}
                  <span role="cell" className="clip summary">
                    {summary(row.event)}
                  </span>
                </div>
                {isOpen && (
                  <div role="row" tabIndex={-1}>
                    <div role="cell">{props.detail(row)}</div>
                  </div>
                )}
              </div>
            );
          })}
        </div>
      </div>
    </div>
  );
}

export function Outcome({ value }: { value: string }) {
  const look = value === 'success' ? 'plain' : value === 'denied' ? 'bad' : 'warn';
  return <span className={`outcome ${look}`}>{value}</span>;
}

interface CellProps {
  row: EventRow;
  field: string;
  onInclude: (field: string, value: unknown) => void;
  onExclude: (field: string, value: unknown) => void;
}

function Cell({ row, field, onInclude, onExclude }: CellProps) {
  const value = fieldOf(row.event, field);
  const text =
    value === undefined || value === null ? '' : typeof value === 'object' ? JSON.stringify(value) : String(value);
  const one = Array.isArray(value) ? value[0] : value;
  return (
    <span role="cell" className="cell" title={text}>
      <span className="clip grow">
        {text === '' ? <span className="muted">–</span> : field === 'outcome' ? <Outcome value={text} /> : text}
      </span>
      <span className="pick">
        <button
          type="button"
          tabIndex={-1}
          aria-label={`Only ${field}: ${text}`}
          title={`Only ${field}: ${text}`}
          onClick={() => onInclude(field, one)}
        >
          <Icon name="plus" size={12} />
        </button>
        <button
          type="button"
          tabIndex={-1}
          aria-label={`Without ${field}: ${text}`}
          title={`Without ${field}: ${text}`}
          onClick={() => onExclude(field, one)}
        >
          <Icon name="minus" size={12} />
        </button>
      </span>
    </span>
  );
}
