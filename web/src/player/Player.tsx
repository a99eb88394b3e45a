/** Plays one channel of a recording: forwards, at any speed, from any moment. */

import { useCallback, useEffect, useImperativeHandle, useMemo, useRef, useState } from 'react';
import { Button } from '../ui/Button.tsx';
import { count } from '../ui/figures.ts';
import { Icon } from '../ui/Icon.tsx';
import { useKeys } from '../ui/keys.ts';
import { span } from '../ui/time.tsx';
import { type Film, findLines, skipIdle } from './film.ts';
import { ScreenView } from './ScreenView.tsx';
import { type Picture, Screen } from './screen.ts';
import './player.css';

const SPEEDS = [0.5, 1, 2, 4, 8, 16];
const STEP_MS = 5000;
const SLIDER_STEP_MS = 10;
const SKIPS = 'lodge.player.skip';

export interface PlayerHandle {
  seek: (at: number) => void;
}

interface Props {
  film: Film;
  /** Where to begin, in milliseconds. */
  start: number;
  /** Moments to mark on the timeline. */
  marks: { at: number; name: string; bad: boolean }[];
  handle: React.Ref<PlayerHandle>;
  /** Called as playing goes on, a few times a second. */
  onMoment: (at: number) => void;
  /** Called when somebody jumps or stops: the moment to keep in the address. */
  onKeep: (at: number) => void;
}

export default function Player({ film, start, marks, handle, onMoment, onKeep }: Props) {
  const screen = useMemo(() => new Screen(film), [film]);
  const [picture, setPicture] = useState<Picture | null>(null);
  const [at, setAt] = useState(() => Math.min(Math.max(start, film.from), film.to));
  const [playing, setPlaying] = useState(false);
  const [speed, setSpeed] = useState(1);
  const [skip, setSkip] = useState(() => localStorage.getItem(SKIPS) !== 'no');
  const moment = useRef(at);
  useEffect(() => () => screen.dispose(), [screen]);

  const draw = useCallback(async (to: number) => setPicture(await screen.show(to)), [screen]);
  const go = useCallback(
    (to: number) => {
      const bounded = Math.min(Math.max(to, film.from), film.to);
      moment.current = bounded;
      setAt(bounded);
      onMoment(bounded);
      void draw(bounded);
    },
    [draw, film, onMoment],
  );
  const seek = useCallback(
    (to: number) => {
      go(to);
      onKeep(to);
    },
    [go, onKeep],
  );
  useImperativeHandle(handle, () => ({ seek }), [seek]);
  useEffect(() => void draw(moment.current), [draw]);

  useEffect(() => {
    if (!playing) return;
    let frame = 0;
    let before = performance.now();
    let told = 0;
    let drawing = false;
    const tick = (now: number) => {
      let next = moment.current + (now - before) * speed;
      before = now;
      if (skip) next = skipIdle(film, next);
      moment.current = Math.min(next, film.to);
      if (!drawing) {
        drawing = true;
        void draw(moment.current).finally(() => {
          drawing = false;
        });
      }
      if (now - told > 100) {
        told = now;
        setAt(moment.current);
        onMoment(moment.current);
      }
      if (moment.current >= film.to) return stop();
      frame = requestAnimationFrame(tick);
    };
    const stop = () => {
      setPlaying(false);
      setAt(film.to);
      onMoment(film.to);
    };
    frame = requestAnimationFrame(tick);
    return () => cancelAnimationFrame(frame);
  }, [playing, speed, skip, film, draw, onMoment]);

  const toggle = () => {
    if (playing) onKeep(moment.current);
    else if (moment.current >= film.to) go(film.from);
    setPlaying(!playing);
  };
  const faster = (by: number) =>
    setSpeed((now) => SPEEDS[Math.min(Math.max(SPEEDS.indexOf(now) + by, 0), SPEEDS.length - 1)] ?? 1);
  useKeys({
    ' ': toggle,
    ArrowLeft: () => seek(moment.current - STEP_MS),
    ArrowRight: () => seek(moment.current + STEP_MS),
    '<': () => faster(-1),
    '>': () => faster(1),
  });

  const length = Math.max(1, film.to - film.from);
  return (
    <div className="player">
      <ScreenView picture={picture} onClick={toggle} />
      <div className="timeline">
        <div className="marks" aria-hidden="true">
          {marks.map((mark) => (
            <i
              key={`${mark.at} ${mark.name}`}
              className={mark.bad ? 'bad' : ''}
              style={{ left: `${(100 * (mark.at - film.from)) / length}%` }}
              title={mark.name}
            />
          ))}
        </div>
        <input
          type="range"
          aria-label="Moment"
          aria-valuetext={`${span(at)} of ${span(film.to)}`}
          min={film.from}
          max={film.to}
          step={SLIDER_STEP_MS}
          value={at}
          onChange={(event) => {
            const to = Number(event.target.value);
            // The slider's last step may end before the recording does.
            go(to + SLIDER_STEP_MS > film.to ? film.to : to);
          }}
          onPointerUp={() => onKeep(moment.current)}
        />
      </div>
      <div className="controls">
        <Button label={playing ? 'Pause (space)' : 'Play (space)'} onClick={toggle}>
          <Icon name={playing ? 'pause' : 'play'} />
        </Button>
        <span className="num">
          {span(at)} <span className="muted">/ {span(film.to)}</span>
        </span>
        <span className="grow" />
        <label className="row muted">
          <input
            type="checkbox"
            checked={skip}
            onChange={(event) => {
              setSkip(event.target.checked);
              localStorage.setItem(SKIPS, event.target.checked ? 'yes' : 'no');
            }}
          />
          skip pauses
        </label>
        <select
          className="select"
          aria-label="Speed"
          value={speed}
          onChange={(event) => setSpeed(Number(event.target.value))}
        >
          {SPEEDS.map((value) => (
            <option key={value} value={value}>
              {value}×
            </option>
          ))}
        </select>
      </div>
      <Find film={film} onSeek={seek} />
    </div>
  );
}

/** Searches what was shown; a line leads to its moment. */
function Find({ film, onSeek }: { film: Film; onSeek: (at: number) => void }) {
  const [wanted, setWanted] = useState('');
  const found = useMemo(() => findLines(film, wanted), [film, wanted]);
  const box = useRef<HTMLInputElement>(null);
  useKeys({ '/': () => box.current?.focus() });
  return (
    <div className="find">
      <input
        ref={box}
        className="input"
        type="search"
        aria-label="Search in what was shown"
        placeholder="Search in what was shown  ( / )"
        value={wanted}
        onChange={(event) => setWanted(event.target.value)}
        onKeyDown={(event) => {
          const first = found[0];
          if (event.key === 'Enter' && first) onSeek(first.whole);
          if (event.key === 'Escape') event.currentTarget.blur();
        }}
      />
      {wanted.trim() && (
        <>
          <div className="muted" role="status">
            {found.length === 0
              ? 'No line that was shown has this.'
              : `${count(found.length)} line${found.length === 1 ? '' : 's'}`}
          </div>
          <ol>
            {found.slice(0, 100).map((line, index) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: the same line may be shown twice at one moment.
              <li key={index}>
                <button type="button" onClick={() => onSeek(line.whole)}>
                  <span className="num muted">{span(line.whole)}</span>
                  <code className="clip">{line.text}</code>
                </button>
              </li>
            ))}
          </ol>
        </>
      )}
    </div>
  );
}
