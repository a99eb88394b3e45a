/** Light, dark, or as the system has it. */

export type Theme = 'system' | 'light' | 'dark';

const KEY = 'lodge.theme';

export function readTheme(): Theme {
  const kept = localStorage.getItem(KEY);
  return kept === 'light' || kept === 'dark' ? kept : 'system';
}

export function setTheme(theme: Theme) {
  if (theme === 'system') {
    localStorage.removeItem(KEY);
    delete document.documentElement.dataset.theme;
  } else {
    localStorage.setItem(KEY, theme);
    document.documentElement.dataset.theme = theme;
  }
  // What is drawn on a canvas does not follow the page's colours by itself.
  window.dispatchEvent(new Event('lodge-theme'));
}

export const applyTheme = () => setTheme(readTheme());
