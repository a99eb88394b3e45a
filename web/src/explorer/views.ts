/** Saved views: questions with a name, kept in this browser. */

import type { EventsSearch } from './question.ts';

const KEY = 'lodge.views';

export interface View {
  name: string;
  search: EventsSearch;
}

export function readViews(): View[] {
  try {
    const views = JSON.parse(localStorage.getItem(KEY) ?? '[]') as View[];
    return Array.isArray(views)
      ? views.filter((view) => typeof view?.name === 'string' && typeof view.search === 'object')
      : [];
  } catch {
    return [];
  }
}

const write = (views: View[]) => localStorage.setItem(KEY, JSON.stringify(views));

/** Saves a view; one of the same name is replaced. */
export function saveView(name: string, search: EventsSearch) {
  const { open: _, part: __, ...question } = search;
  write(
    [...readViews().filter((view) => view.name !== name), { name, search: question }].sort((a, b) =>
      a.name.localeCompare(b.name),
    ),
  );
}

export const removeView = (name: string) => write(readViews().filter((view) => view.name !== name));
