/** What stands where content would: nothing yet, nothing at all, or why there is nothing. */

import type { ReactNode } from 'react';
import { shown } from '../api/problem.ts';
import { Button } from './Button.tsx';

export function Empty({ title, children }: { title: string; children?: ReactNode }) {
  return (
    <div className="state">
      <div className="title">{title}</div>
      {children}
    </div>
  );
}

/** Grey lines in the shape of rows; read out as one word. */
export function Loading({ rows = 8 }: { rows?: number }) {
  return (
    <div className="stack" role="status" aria-label="Loading" style={{ padding: 16 }}>
      {Array.from({ length: rows }, (_, row) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: grey lines are all alike.
        <div key={row} className="skeleton" style={{ width: `${92 - ((row * 37) % 45)}%` }} />
      ))}
    </div>
  );
}

/** What failed, why, and what to do next. */
export function Failed({ error, retry }: { error: unknown; retry?: (() => void) | undefined }) {
  const problem = shown(error);
  const drawn = problem.message.includes('\n');
  return (
    <div className="state failed" role="alert">
      <div className="title">{problem.title}</div>
      {drawn ? <pre className="detail">{problem.message}</pre> : <p>{problem.message}</p>}
      {problem.next && <p>{problem.next}</p>}
      {problem.requestId && <p className="muted mono">request {problem.requestId}</p>}
      {retry && <Button onClick={retry}>Try again</Button>}
    </div>
  );
}

/** A thin moving line above content that is being fetched anew, while the old stays readable. */
export function Refreshing({ when }: { when: boolean }) {
  return when ? <div className="progress" role="status" aria-label="Loading" /> : null;
}
