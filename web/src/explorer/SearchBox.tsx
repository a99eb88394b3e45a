/** The search box: colours the filter, completes fields and values, and underlines what the server finds wrong. */

import { useQuery } from '@tanstack/react-query';
import { type KeyboardEvent, type Ref, useEffect, useId, useImperativeHandle, useRef, useState } from 'react';
import { answer, api } from '../api/client.ts';
import { Icon } from '../ui/Icon.tsx';
import { accept, type Suggestion, suggestFields, suggestValues, wantedAt } from './filter/complete.ts';
import type { Mistake } from './filter/mistake.ts';
import { tokenize } from './filter/tokens.ts';

interface Props {
  value: string;
  onSearch: (filter: string) => void;
  mistake: Mistake | null;
  /** Range in which values are looked up. */
  since?: string | undefined;
  handle?: Ref<{ focus: () => void }>;
  label?: string;
}

const OPERATORS: Suggestion[] = ['and', 'or', 'not'].map((name) => ({ name, says: '', text: `${name} ` }));

/** How many values of a field are fetched at once, and how long typing must rest before more are asked for. */
const MOST_VALUES = 200;
const REST_MS = 400;

/** Values of a field, from one question where they are few: each question leaves an event in the log. */
function useValues(field: string, prefix: string, since: string | undefined): string[] {
  const [rested, setRested] = useState(prefix);
  useEffect(() => {
    const timer = setTimeout(() => setRested(prefix), REST_MS);
    return () => clearTimeout(timer);
  }, [prefix]);
  const ask = (start: string) => ({
    queryKey: ['values', field, start, since],
    queryFn: ({ signal }: { signal: AbortSignal }) =>
      answer(
        api.GET('/v1/events/values', {
          params: { query: { field, prefix: start, limit: MOST_VALUES, since: since ?? null } },
          signal,
        }),
      ),
    staleTime: 300_000,
    retry: false,
  });
  const all = useQuery({ ...ask(''), enabled: field !== '' });
  const many = (all.data?.distinct ?? 0) > MOST_VALUES;
  const some = useQuery({ ...ask(rested), enabled: field !== '' && many && rested !== '' });
  return (many && prefix !== '' ? some.data?.values : all.data?.values) ?? all.data?.values ?? [];
}

export function SearchBox({ value, onSearch, mistake, since, handle, label = 'Search events' }: Props) {
  const id = useId();
  const box = useRef<HTMLTextAreaElement>(null);
  const [text, setText] = useState(value);
  const [caret, setCaret] = useState(0);
  const [open, setOpen] = useState(false);
  const [at, setAt] = useState(-1);
  useImperativeHandle(handle, () => ({
    focus: () => {
      box.current?.focus();
      box.current?.select();
    },
  }));
  // Somebody else changed the question: a click on a value, or the browser's way back.
  useEffect(() => setText(value), [value]);

  const wanted = wantedAt(text, caret);
  const asks = open && wanted.kind === 'value' && wanted.field !== '';
  const values = useValues(asks ? wanted.field : '', wanted.prefix.replace(/\*.*$/, ''), since);
  const suggestions = !open
    ? []
    : wanted.kind === 'value'
      ? suggestValues(wanted.field, wanted.prefix, values)
      : [...suggestFields(wanted.prefix), ...(wanted.prefix || !text ? [] : OPERATORS)];

  const choose = (suggestion: Suggestion) => {
    const next = accept(text, wanted, suggestion);
    setText(next.text);
    setAt(-1);
    requestAnimationFrame(() => {
      box.current?.setSelectionRange(next.caret, next.caret);
      setCaret(next.caret);
    });
  };
  const search = (filter: string) => {
    setOpen(false);
    onSearch(filter.trim());
  };
  const move = (by: number) => setAt((before) => (before + by + suggestions.length + 1) % (suggestions.length + 1));

  const onKeyDown = (event: KeyboardEvent) => {
    const chosen = suggestions[at];
    const list = suggestions.length > 0;
    if (event.key === 'Enter' && !event.shiftKey) {
      event.preventDefault();
      if (chosen) choose(chosen);
      else search(text);
    } else if (event.key === 'Tab' && list && !event.shiftKey) {
      const first = chosen ?? suggestions[0];
      if (!first || (wanted.prefix === '' && !chosen)) return;
      event.preventDefault();
      choose(first);
    } else if (event.key === 'ArrowDown' && (list || !open)) {
      event.preventDefault();
      if (!open) setOpen(true);
      else move(at < 0 ? 1 : 1);
    } else if (event.key === 'ArrowUp' && list) {
      event.preventDefault();
      move(-1);
    } else if (event.key === 'Escape') {
      event.preventDefault();
      event.stopPropagation();
      if (open) setOpen(false);
      else box.current?.blur();
    }
  };
  const onCaret = () => setCaret(box.current?.selectionStart ?? 0);
  const wrong = mistake && text.trim() === value ? mistake : null;

  return (
    <div className="searchbox" data-wrong={wrong ? true : undefined}>
      <Icon name="search" />
      <div className="typed">
        <pre className="colours" aria-hidden="true">
          <Coloured text={text} mistake={wrong} />
        </pre>
        <textarea
          ref={box}
          rows={1}
          role="combobox"
          aria-label={label}
          aria-expanded={suggestions.length > 0}
          aria-controls={`${id}-list`}
          aria-activedescendant={at >= 0 ? `${id}-${at}` : undefined}
          aria-invalid={wrong ? true : undefined}
          aria-describedby={wrong ? `${id}-wrong` : undefined}
          placeholder="Filter, such as  kind: session.* and outcome: denied  or words"
          autoComplete="off"
          autoCapitalize="none"
          spellCheck={false}
          value={text}
          onChange={(event) => {
            setText(event.target.value);
            setCaret(event.target.selectionStart);
            setOpen(true);
            setAt(-1);
          }}
          onKeyDown={onKeyDown}
          onKeyUp={onCaret}
          onClick={() => {
            onCaret();
            setOpen(true);
          }}
          onBlur={() => setOpen(false)}
        />
      </div>
      {text && (
        <button
          type="button"
          className="clear"
          aria-label="Clear the search"
          onClick={() => {
            setText('');
            search('');
          }}
        >
          <Icon name="close" size={14} />
        </button>
      )}
      {suggestions.length > 0 && (
        <div className="popup suggestions" role="listbox" id={`${id}-list`} aria-label="Completions">
          {suggestions.map((suggestion, index) => (
            <div
              key={suggestion.text}
              id={`${id}-${index}`}
              role="option"
              tabIndex={-1}
              aria-selected={index === at}
              className="item"
              // The box keeps the focus, so that typing goes on.
              onPointerDown={(event) => {
                event.preventDefault();
                choose(suggestion);
              }}
            >
              <code className="clip">{suggestion.name}</code>
              <span className="muted clip grow">{suggestion.says}</span>
            </div>
          ))}
        </div>
      )}
      {wrong && (
        <div className="mistake" id={`${id}-wrong`} role="alert">
          {wrong.message}
        </div>
      )}
    </div>
  );
}

/** The filter in colours, in pieces that lie exactly under the text that is typed. */
export function Coloured({ text, mistake }: { text: string; mistake?: Mistake | null }) {
  const pieces: { from: number; to: number; kind: string }[] = [];
  let at = 0;
  for (const token of tokenize(text)) {
    if (token.start > at) pieces.push({ from: at, to: token.start, kind: '' });
    pieces.push({ from: token.start, to: token.end, kind: token.kind });
    at = token.end;
  }
  if (at < text.length) pieces.push({ from: at, to: text.length, kind: '' });
  const cuts = mistake ? [mistake.start, mistake.end] : [];
  const cut = pieces.flatMap(({ from, to, kind }) => {
    const edges = [from, ...cuts.filter((edge) => edge > from && edge < to), to];
    return edges.slice(1).map((edge, index) => ({ from: edges[index] ?? from, to: edge, kind }));
  });
  const isWrong = (from: number, to: number) => mistake && from >= mistake.start && to <= mistake.end;
  return (
    <>
      {cut.map(({ from, to, kind }) => (
        <span key={from} className={`t-${kind || 'space'}${isWrong(from, to) ? ' t-mistake' : ''}`}>
          {text.slice(from, to)}
        </span>
      ))}
      {mistake && mistake.start >= text.length && <span className="t-mistake"> </span>}
      {'\u200b'}
    </>
  );
}
