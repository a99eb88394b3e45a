/** Times as people read them: short in the page, whole when pointed at, and both in their own zone and UTC. */

const zoneName = Intl.DateTimeFormat().resolvedOptions().timeZone;

/** The reader's own zone. */
export const localZone = () => zoneName;

const formats = new Map<string, Intl.DateTimeFormat>();

function format(zone: string, options: Intl.DateTimeFormatOptions, key: string): Intl.DateTimeFormat {
  const name = `${zone} ${key}`;
  let found = formats.get(name);
  if (!found) {
    found = new Intl.DateTimeFormat('sv-SE', { ...options, timeZone: zone });
    formats.set(name, found);
  }
  return found;
}

const DAY = { year: 'numeric', month: '2-digit', day: '2-digit' } as const;
const CLOCK = { hour: '2-digit', minute: '2-digit', second: '2-digit', hour12: false } as const;

/** `2026-03-14 15:09:26` in the zone. */
export function stamp(time: string | number | Date, zone = zoneName): string {
  const date = new Date(time);
  if (Number.isNaN(date.getTime())) return String(time);
  return format(zone, { ...DAY, ...CLOCK }, 'stamp').format(date);
}

/** `15:09:26.123` in the zone. */
export function clock(time: string | number | Date, zone = zoneName): string {
  const date = new Date(time);
  if (Number.isNaN(date.getTime())) return String(time);
  const millis = String(date.getMilliseconds()).padStart(3, '0');
  return `${format(zone, CLOCK, 'clock').format(date)}.${millis}`;
}

export const day = (time: string | number | Date, zone = zoneName): string => stamp(time, zone).slice(0, 10);

/** Both zones, with what the event itself says to the microsecond. */
export function bothZones(time: string | number | Date, zone = zoneName): string {
  const exact = typeof time === 'string' ? time.replace('T', ' ').replace('Z', '') : stamp(time, 'UTC');
  return `${stamp(time, zone)} ${zone}\n${exact} UTC`;
}

const UNITS: [number, Intl.RelativeTimeFormatUnit][] = [
  [86_400_000 * 365, 'year'],
  [86_400_000 * 30, 'month'],
  [86_400_000, 'day'],
  [3_600_000, 'hour'],
  [60_000, 'minute'],
  [1000, 'second'],
];
const relative = new Intl.RelativeTimeFormat('en', { numeric: 'always', style: 'short' });

/** `3 min. ago`. */
export function ago(time: string | number | Date, now = Date.now()): string {
  const apart = new Date(time).getTime() - now;
  const [size, unit] = UNITS.find(([ms]) => Math.abs(apart) >= ms) ?? [1000, 'second'];
  return Math.abs(apart) < 1000 ? 'now' : relative.format(Math.round(apart / size), unit);
}

/** `1:23:45`, or `23:45` below an hour. */
export function span(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const [h, m, s] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  const two = (value: number) => String(value).padStart(2, '0');
  return h > 0 ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}

type Props = { at: string | null | undefined; as?: 'stamp' | 'clock' | 'ago'; zone?: string };

export function Time({ at, as = 'stamp', zone = zoneName }: Props) {
  if (!at) return <span className="muted">–</span>;
  const text = as === 'stamp' ? stamp(at, zone) : as === 'clock' ? clock(at, zone) : ago(at);
  return (
    <time dateTime={at} title={bothZones(at, zone)} className="num">
      {text}
    </time>
  );
}
