/** Colours of the page for what is drawn on a canvas, which knows no custom properties. */

/** Resolves a token such as `--good` to what the page shows now. */
export function colour(token: string): string {
  const probe = document.createElement('span');
  probe.style.color = `var(${token})`;
  probe.hidden = true;
  document.body.append(probe);
  const found = getComputedStyle(probe).color;
  probe.remove();
  return found;
}

/** Calls when the colours change: by the reader's choice or the system's. */
export function onColours(change: () => void): () => void {
  const dark = matchMedia('(prefers-color-scheme: dark)');
  dark.addEventListener('change', change);
  window.addEventListener('lodge-theme', change);
  return () => {
    dark.removeEventListener('change', change);
    window.removeEventListener('lodge-theme', change);
  };
}
