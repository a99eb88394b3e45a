/** Reads times for the mock nearly as the server does. */

const UNITS: Record<string, number> = { s: 1e3, m: 6e4, h: 36e5, d: 864e5, w: 6048e5, M: 2592e6, y: 31536e6 };

/** Milliseconds since 1970; null for what this does not know. */
export function instant(text: string, now = Date.now()): number | null {
  const relative = /^now([+-]\d+[smhdwMy])*(\/[smhdwMy])?$/.exec(text.trim());
  if (!relative) {
    const parsed = Date.parse(text.length === 10 ? `${text}T00:00` : text.replace(' ', 'T'));
    return Number.isNaN(parsed) ? null : parsed;
  }
  let at = now;
  for (const [, sign, count, unit] of text.matchAll(/([+-])(\d+)([smhdwMy])/g)) {
    at += (sign === '-' ? -1 : 1) * Number(count) * (UNITS[unit ?? ''] ?? 0);
  }
  const round = /\/([smhdwMy])$/.exec(text)?.[1];
  if (!round) return at;
  const date = new Date(at);
  if (round === 's') date.setMilliseconds(0);
  if (round === 'm') date.setSeconds(0, 0);
  if (round === 'h') date.setMinutes(0, 0, 0);
  if ('dwMy'.includes(round)) date.setHours(0, 0, 0, 0);
  if (round === 'w') date.setDate(date.getDate() - ((date.getDay() + 6) % 7));
  if (round === 'M') date.setDate(1);
  if (round === 'y') date.setMonth(0, 1);
  return date.getTime();
}
