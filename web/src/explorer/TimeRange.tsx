import { type FormEvent, useState } from 'react';
import { Button } from '../ui/Button.tsx';
import { Field } from '../ui/Field.tsx';
import { Icon } from '../ui/Icon.tsx';
import { Popover } from '../ui/Popover.tsx';
import { localZone, stamp } from '../ui/time.tsx';
import { DEFAULT_SINCE, type EventsSearch, PRESETS, rangeName, zoneOf } from './question.ts';

interface Props {
  search: EventsSearch;
  onChange: (change: Pick<EventsSearch, 'since' | 'until' | 'zone'>) => void;
}

/** From when until when, and in which zone times are read and shown. */
export function TimeRange({ search, onChange }: Props) {
  const [open, setOpen] = useState(false);
  const [since, setSince] = useState('');
  const [until, setUntil] = useState('');
  const zone = zoneOf(search);

  const set = (change: Pick<EventsSearch, 'since' | 'until'>) => {
    onChange({ until: undefined, ...change });
    setOpen(false);
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    set({ since: since.trim() || 'all', until: until.trim() || undefined });
  };

  return (
    <Popover
      label="Time range"
      align="end"
      open={open}
      onOpenChange={(now) => {
        setOpen(now);
        if (now) {
          setSince(search.since === 'all' ? '' : (search.since ?? DEFAULT_SINCE));
          setUntil(search.until ?? '');
        }
      }}
      trigger={
        <Button className="range">
          <Icon name="clock" />
          <span className="clip">{rangeName(search, (time) => (time.endsWith('Z') ? stamp(time, zone) : time))}</span>
          {zone !== localZone() && <span className="badge">{zone}</span>}
        </Button>
      }
    >
      <div className="range-panel">
        <div className="presets">
          {PRESETS.map(([value, name]) => (
            <button
              type="button"
              key={value}
              className="item"
              aria-pressed={!search.until && (search.since ?? DEFAULT_SINCE) === value}
              onClick={() => set({ since: value })}
            >
              {name}
            </button>
          ))}
        </div>
        <form className="stack" onSubmit={submit}>
          <Field
            label="From"
            className="mono"
            placeholder="the beginning"
            value={since}
            onChange={(event) => setSince(event.target.value)}
          />
          <Field
            label="Until"
            className="mono"
            placeholder="now"
            help="2026-03-14, 2026-03-14 15:09, now-3h, now-1d/d"
            value={until}
            onChange={(event) => setUntil(event.target.value)}
          />
          <div className="field">
            <label htmlFor="range-zone">Zone</label>
            <select
              id="range-zone"
              className="select"
              value={search.zone ?? ''}
              onChange={(event) =>
                onChange({ since: search.since, until: search.until, zone: event.target.value || undefined })
              }
            >
              <option value="">{localZone()} (yours)</option>
              <option value="utc">UTC</option>
              {search.zone && search.zone !== 'utc' && <option value={search.zone}>{search.zone}</option>}
            </select>
          </div>
          <Button look="primary" type="submit">
            Show this range
          </Button>
        </form>
      </div>
    </Popover>
  );
}
