/** Chance that is the same at every load, and the moment from which the mock counts back. */

let state = 0x2f6e2b1;

/** A number from 0 to 1 (mulberry32). */
export function random(): number {
  state = (state + 0x6d2b79f5) | 0;
  let t = Math.imul(state ^ (state >>> 15), 1 | state);
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
  return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
}

export function pick<T>(list: T[]): T {
  return list[Math.floor(random() * list.length)] as T;
}

const hex = (digits: number) => Array.from({ length: digits }, () => Math.floor(random() * 16).toString(16)).join('');

export const uuid = () => idAt(NOW);

export function idAt(time: number): string {
  const stamp = Math.floor(time).toString(16).padStart(12, '0');
  return `${stamp.slice(0, 8)}-${stamp.slice(8)}-7${hex(3)}-8${hex(3)}-${hex(12)}`;
}

export const NOW = Date.now();
export const ago = (seconds: number) => NOW - seconds * 1000;
