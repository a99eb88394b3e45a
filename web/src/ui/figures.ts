/** Figures as people read them. */

const whole = new Intl.NumberFormat('en-GB');
const short = new Intl.NumberFormat('en-GB', { notation: 'compact', maximumFractionDigits: 1 });

/** `1,234,567`. */
export const count = (value: number) => whole.format(value);

/** `1.2M`. */
export const about = (value: number) => (value < 10_000 ? whole.format(value) : short.format(value));

/** `3.4 MB`, in powers of 1000. */
export function bytes(value: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'];
  let [rest, unit] = [value, 0];
  while (rest >= 1000 && unit < units.length - 1) {
    rest /= 1000;
    unit += 1;
  }
  return `${unit === 0 || rest >= 100 ? Math.round(rest) : rest.toFixed(1)} ${units[unit]}`;
}

/** `1 event`, `2 events`. */
export const plural = (value: number, word: string) => `${count(value)} ${word}${value === 1 ? '' : 's'}`;
