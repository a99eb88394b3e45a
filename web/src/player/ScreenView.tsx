import { useEffect, useRef, useState } from 'react';
import type { Picture, Run } from './screen.ts';
import './player.css';

const LOOKS: [string, string][] = [
  ['b', 'bold'],
  ['d', 'dim'],
  ['i', 'italic'],
  ['u', 'underline'],
  ['s', 'struck'],
  ['h', 'invisible'],
  ['c', 'cursor'],
];

function look(run: Run): { className: string; style: React.CSSProperties } {
  const className = LOOKS.filter(([letter]) => run.look.includes(letter)).map(([, name]) => name);
  if (run.width > run.text.length || run.text.length > run.width) className.push('wide');
  const inverse = run.look.includes('r');
  const [front, back] = inverse
    ? [run.background ?? 'var(--screen)', run.color ?? 'var(--screen-ink)']
    : [run.color, run.background];
  return {
    className: className.join(' '),
    style: {
      ...(front ? { color: front } : {}),
      ...(back ? { background: back } : {}),
      ...(className.includes('wide') ? { width: `${run.width}ch` } : {}),
    },
  };
}

/** Shows a picture of a terminal, as large as there is room. */
export function ScreenView({ picture, onClick }: { picture: Picture | null; onClick: () => void }) {
  const box = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(800);
  useEffect(() => {
    const element = box.current;
    if (!element) return;
    const follow = new ResizeObserver(() => setWidth(element.clientWidth - 24));
    follow.observe(element);
    return () => follow.disconnect();
  }, []);
  // A letter of these typefaces is about three fifths of its size wide.
  const size = Math.min(15, Math.max(6, width / ((picture?.columns ?? 80) * 0.605)));
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: the button below it does the same for the keyboard.
    // biome-ignore lint/a11y/useKeyWithClickEvents: the space bar does the same.
    <div className="screen" ref={box} onClick={() => !getSelection()?.toString() && onClick()}>
      <pre style={{ fontSize: size }}>
        {(picture?.lines ?? Array.from({ length: 24 }, () => [])).map((runs, row) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: a line of a screen is its place.
          <div key={row}>
            {runs.map((run, index) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: a run of a line is its place.
              <span key={index} {...look(run)}>
                {run.text}
              </span>
            ))}
            {'\n'}
          </div>
        ))}
      </pre>
    </div>
  );
}
