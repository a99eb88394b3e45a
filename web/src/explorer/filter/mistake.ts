/** Where the server says that a filter is wrong. */

import { LodgeError } from '../../api/problem.ts';

export interface Mistake {
  /** First character that is wrong, and the one behind the last. */
  start: number;
  end: number;
  message: string;
}

/** Reads place and words from the answer to a filter that could not be read; null for any other failure. */
export function mistakeIn(filter: string, error: unknown): Mistake | null {
  if (!(error instanceof LodgeError) || error.code !== 'filter') return null;
  const [, column, message] = /(?:^|\n)column (\d+): ([\s\S]*)$/.exec(error.message) ?? [];
  if (!column || !message) return null;
  const marks = /\n\s*(\^+)\n/.exec(error.message)?.[1]?.length ?? 1;
  // The server counts characters; a string here counts the halves of those beyond the basic plane.
  const letters = Array.from(filter);
  const length = (count: number) => letters.slice(0, count).join('').length;
  const first = Math.min(Number(column) - 1, letters.length);
  return { start: length(first), end: length(first + marks), message };
}
