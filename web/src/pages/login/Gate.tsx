import type { ReactNode } from 'react';
import './gate.css';

/** The frame of the pages that stand before the console. */
export function Gate({ title, children }: { title: string; children: ReactNode }) {
  return (
    <main className="gate">
      <div className="gate-box">
        <div className="gate-brand">
          <svg width="26" height="26" viewBox="0 0 16 16" aria-hidden="true">
            <path d="M2 7 8 2l6 5v7H9.8v-4H6.2v4H2z" fill="currentColor" />
          </svg>
          Lodge
        </div>
        <h1>{title}</h1>
        {children}
      </div>
      <p className="muted">Everything that is done here is recorded.</p>
    </main>
  );
}
