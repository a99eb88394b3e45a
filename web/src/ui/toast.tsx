/** Short messages at the edge of the page, for what was done elsewhere than where one looks. */

import { useSyncExternalStore } from 'react';
import { shown } from '../api/problem.ts';
import { Button } from './Button.tsx';
import { Icon } from './Icon.tsx';

interface Toast {
  id: number;
  text: string;
  detail: string;
  bad: boolean;
}

const STAYS_MS = 6000;

let toasts: Toast[] = [];
let last = 0;
const listeners = new Set<() => void>();

function change(next: Toast[]) {
  toasts = next;
  for (const tell of listeners) tell();
}

const dismiss = (id: number) => change(toasts.filter((toast) => toast.id !== id));

function add(text: string, detail: string, bad: boolean) {
  last += 1;
  const id = last;
  change([...toasts.slice(-2), { id, text, detail, bad }]);
  // What went wrong stays until somebody has seen it.
  if (!bad) setTimeout(() => dismiss(id), STAYS_MS);
}

/** Says that something was done. */
export const say = (text: string, detail = '') => add(text, detail, false);

/** Says that something failed, why, and what to do next. */
export function complain(what: string, error: unknown) {
  const problem = shown(error);
  add(what, [problem.message, problem.next].filter(Boolean).join(' '), true);
}

function subscribe(listener: () => void) {
  listeners.add(listener);
  return () => {
    listeners.delete(listener);
  };
}

export function Toasts() {
  const list = useSyncExternalStore(subscribe, () => toasts);
  return (
    <section className="toasts" aria-live="polite" aria-label="Messages">
      {list.map((toast) => (
        <div key={toast.id} className={toast.bad ? 'toast bad' : 'toast'} role={toast.bad ? 'alert' : undefined}>
          <div className="grow">
            <div>{toast.text}</div>
            {toast.detail && <div className="muted">{toast.detail}</div>}
          </div>
          <Button look="quiet" label="Dismiss" onClick={() => dismiss(toast.id)}>
            <Icon name="close" />
          </Button>
        </div>
      ))}
    </section>
  );
}
