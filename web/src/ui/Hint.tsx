/** Hints: a few words beside what is pointed at or focused. One layer for the whole page. */

import { type ReactElement, useEffect, useSyncExternalStore } from 'react';

interface Shown {
  text: string;
  left: number;
  top: number;
  above: boolean;
}

const WAIT_MS = 350;
const ROOM_BELOW_PX = 60;

let shown: Shown | null = null;
let timer: ReturnType<typeof setTimeout> | undefined;
const listeners = new Set<() => void>();

function change(next: Shown | null) {
  clearTimeout(timer);
  shown = next;
  for (const tell of listeners) tell();
}

function point(anchor: Element | null, text: string) {
  if (!anchor) return;
  const box = anchor.getBoundingClientRect();
  const above = box.bottom + ROOM_BELOW_PX > window.innerHeight;
  const left = Math.min(Math.max(box.left + box.width / 2, 90), window.innerWidth - 90);
  change({ text, left, top: above ? box.top - 6 : box.bottom + 6, above });
}

/** Says something about its child when that is pointed at for a moment, or focused by the keyboard. */
export function Hint({ text, children }: { text: string; children: ReactElement }) {
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: it only watches; the child is what is used.
    <span
      className="hint-anchor"
      onPointerEnter={(event) => {
        if (event.pointerType === 'touch') return;
        const anchor = event.currentTarget.firstElementChild;
        clearTimeout(timer);
        timer = setTimeout(() => point(anchor, text), WAIT_MS);
      }}
      onPointerLeave={() => change(null)}
      onPointerDown={() => change(null)}
      onFocus={(event) => event.target.matches(':focus-visible') && point(event.target, text)}
      onBlur={() => change(null)}
    >
      {children}
    </span>
  );
}

function subscribe(listener: () => void) {
  listeners.add(listener);
  return () => {
    listeners.delete(listener);
  };
}

/** Where hints are drawn; once in the page. */
export function Hints() {
  const hint = useSyncExternalStore(subscribe, () => shown);
  useEffect(() => {
    const hide = () => shown && change(null);
    const onKey = (event: KeyboardEvent) => event.key === 'Escape' && hide();
    window.addEventListener('scroll', hide, true);
    window.addEventListener('keydown', onKey);
    return () => {
      window.removeEventListener('scroll', hide, true);
      window.removeEventListener('keydown', onKey);
    };
  }, []);
  if (!hint) return null;
  return (
    <div className={hint.above ? 'tooltip above' : 'tooltip'} role="tooltip" style={{ left: hint.left, top: hint.top }}>
      {hint.text}
    </div>
  );
}
