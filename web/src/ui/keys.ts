/**
 * The keyboard: one listener for the page, and layers of bindings of which the newest is asked first.
 *
 * Letters do nothing while somebody types into a field; Esc and combinations with Ctrl or ⌘ always count.
 */

import { useEffect, useRef } from 'react';

export type Bindings = Record<string, (event: KeyboardEvent) => void>;

const layers: { current: Bindings }[] = [];

/** Writes a key press as bindings name it: `j`, `Enter`, `mod+k`, `shift+Enter`. */
export function nameOf(event: KeyboardEvent): string {
  const mod = event.ctrlKey || event.metaKey ? 'mod+' : '';
  const alt = event.altKey ? 'alt+' : '';
  const named = event.key.length > 1;
  const shift = event.shiftKey && named ? 'shift+' : '';
  return `${mod}${alt}${shift}${named ? event.key : mod ? event.key.toLowerCase() : event.key}`;
}

function typing(event: KeyboardEvent): boolean {
  const element = event.target;
  if (!(element instanceof HTMLElement)) return false;
  return element.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(element.tagName);
}

/** Keys that a focused link, button or option answers itself. */
function answeredByElement(event: KeyboardEvent): boolean {
  if (event.key !== 'Enter' && event.key !== ' ') return false;
  return event.target instanceof HTMLElement && Boolean(event.target.closest('a, button, summary, [role^="menuitem"]'));
}

function onKeyDown(event: KeyboardEvent) {
  if (event.defaultPrevented || event.isComposing) return;
  const name = nameOf(event);
  if (typing(event) && name !== 'Escape' && !name.startsWith('mod+')) return;
  if (answeredByElement(event)) return;
  // A dialog or menu that is open has the keyboard to itself; only combinations reach the page below it.
  const within = event.target instanceof HTMLElement && event.target.closest('[role="dialog"], [role="menu"]');
  if (within && !name.startsWith('mod+')) return;
  for (let at = layers.length - 1; at >= 0; at--) {
    const act = layers[at]?.current[name];
    if (act) {
      event.preventDefault();
      act(event);
      return;
    }
  }
}

/** Binds keys as long as the calling component is there. */
export function useKeys(bindings: Bindings, when = true) {
  const latest = useRef(bindings);
  latest.current = bindings;
  useEffect(() => {
    if (!when) return;
    if (layers.length === 0) window.addEventListener('keydown', onKeyDown);
    const layer = latest;
    layers.push(layer);
    return () => {
      layers.splice(layers.indexOf(layer), 1);
      if (layers.length === 0) window.removeEventListener('keydown', onKeyDown);
    };
  }, [when]);
}
