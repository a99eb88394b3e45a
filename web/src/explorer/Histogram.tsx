/** Events over time: bars by outcome, drawn by uPlot. Dragging over it asks for that range. */

import { useEffect, useMemo, useRef, useState } from 'react';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import type { Schemas } from '../api/client.ts';
import { count } from '../ui/figures.ts';
import { stamp } from '../ui/time.tsx';
import { colour, onColours } from './colour.ts';

export type HistogramData = Schemas['Histogram'];

interface Props {
  data: HistogramData;
  zone: string;
  onRange: (since: string, until: string) => void;
  height?: number;
}

const TOKENS: Record<string, string> = {
  success: '--accent',
  denied: '--bad',
  failure: '--warn',
  other: '--line-strong',
};
/** More empty intervals than this are not filled in: a year of minutes would be half a million. */
const MOST_BARS = 2000;

interface Stacked {
  names: string[];
  starts: number[];
  ends: number[];
  counts: number[][];
}

/** Fills in the intervals without events, up to the bounds of what was asked, and stacks the parts of each. */
export function stack(data: HistogramData, now = Date.now()): Stacked {
  const names = [...data.series];
  if (data.bars.some((bar) => bar.other + bar.without > 0)) names.push('other');
  const of = (bar: HistogramData['bars'][number] | undefined) => {
    const parts = names.map((_, at) =>
      !bar ? 0 : at < data.series.length ? (bar.split[at] ?? 0) : bar.other + bar.without,
    );
    if (names.length === 0) return [bar?.events ?? 0];
    return parts;
  };
  const bars = data.bars.map((bar) => ({ bar, start: Date.parse(bar.start) / 1000, end: Date.parse(bar.end) / 1000 }));
  const width = Math.min(...bars.map(({ start, end }) => end - start));
  let [first, last] = [bars[0]?.start ?? 0, bars.at(-1)?.end ?? 0];
  const found = new Map(bars.map(({ bar, start }) => [start, bar]));
  const regular = bars.every(({ start, end }) => end - start === width && Number.isInteger((start - first) / width));
  if (regular && data.since) {
    const before = Math.floor((first - Date.parse(data.since) / 1000) / width);
    const until = (data.until ? Date.parse(data.until) : now) / 1000;
    const after = Math.floor((until - last) / width);
    // An axis of which most would be finer than can be seen spans what was found.
    if ((last - first) / width + before + after <= MOST_BARS) {
      first -= Math.max(0, before) * width;
      last += Math.max(0, after) * width;
    }
  }
  const starts =
    regular && (last - first) / width <= MOST_BARS
      ? Array.from({ length: Math.round((last - first) / width) }, (_, at) => first + at * width)
      : bars.map(({ start }) => start);
  const ends = starts.map((start) =>
    regular ? start + width : (bars.find((bar) => bar.start === start)?.end ?? start),
  );
  const shown = names.length === 0 ? ['events'] : names;
  return { names: shown, starts, ends, counts: starts.map((start) => of(found.get(start))) };
}

/** Sums from the bottom up, so that drawing from the last to the first lays the parts over each other. */
function layers({ names, starts, counts }: Stacked): uPlot.AlignedData {
  const sums = names.map((_, at) => counts.map((parts) => parts.slice(0, at + 1).reduce((sum, part) => sum + part, 0)));
  return [starts, ...sums.reverse()];
}

/** Clock times, or days where the axis is longer; the first of each day says which. */
function axisTimes(seconds: number[], zone: string): string[] {
  const step = (seconds[1] ?? 0) - (seconds[0] ?? 0);
  return seconds.map((second) => {
    const text = stamp(second * 1000, zone);
    const midnight = text.slice(11, 16) === '00:00';
    if (step >= 86_400 || midnight) return text.slice(5, 10);
    return step < 60 ? text.slice(11) : text.slice(11, 16);
  });
}

export default function Histogram({ data, zone, onRange, height = 96 }: Props) {
  const box = useRef<HTMLDivElement>(null);
  const stacked = useMemo(() => stack(data), [data]);
  const [at, setAt] = useState<number | null>(null);
  const [theme, setTheme] = useState(0);
  const range = useRef(onRange);
  range.current = onRange;
  useEffect(() => onColours(() => setTheme((value) => value + 1)), []);

  // biome-ignore lint/correctness/useExhaustiveDependencies: colours are read anew when the theme changes.
  useEffect(() => {
    const element = box.current;
    if (!element || stacked.starts.length === 0) return;
    const bars = uPlot.paths.bars?.({ size: [0.86, 60], align: 1 });
    const axis = {
      stroke: colour('--ink-3'),
      grid: { show: false },
      ticks: { show: false },
      font: '11px system-ui, sans-serif',
    };
    const width = (stacked.ends[0] ?? 0) - (stacked.starts[0] ?? 0);
    const chart = new uPlot(
      {
        width: element.clientWidth,
        height,
        legend: { show: false },
        padding: [6, 4, 0, 0],
        cursor: { y: false, points: { show: false }, drag: { x: true, y: false, setScale: false } },
        scales: {
          x: { time: true, range: (_, min, max) => [min, max + width] },
          y: { range: (_, __, max) => [0, Math.max(max, 1)] },
        },
        axes: [
          { ...axis, size: 22, gap: 3, values: (_, splits) => axisTimes(splits, zone) },
          {
            ...axis,
            size: 44,
            grid: { show: true, stroke: colour('--line'), width: 1 },
            splits: (_, __, ___, max) => [0, max],
            values: (_, splits) => splits.map((value) => count(Math.round(value))),
          },
        ],
        series: [
          {},
          ...stacked.names.toReversed().map((name) => ({
            fill: colour(TOKENS[name] ?? '--accent'),
            width: 0,
            points: { show: false },
            ...(bars ? { paths: bars } : {}),
          })),
        ],
        tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), zone),
        hooks: {
          setCursor: [
            (plot) => {
              const left = plot.cursor.left ?? -1;
              if (left < 0) return setAt(null);
              const moment = plot.posToVal(left, 'x');
              const index = stacked.starts.findIndex(
                (start, bar) => moment >= start && moment < (stacked.ends[bar] ?? start),
              );
              setAt(index < 0 ? null : index);
            },
          ],
          setSelect: [
            (plot) => {
              if (plot.select.width < 4) return;
              const moment = (left: number) => new Date(Math.round(plot.posToVal(left, 'x')) * 1000).toISOString();
              range.current(moment(plot.select.left), moment(plot.select.left + plot.select.width));
              plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
            },
          ],
        },
      },
      layers(stacked),
      element,
    );
    const follow = new ResizeObserver(() => chart.setSize({ width: element.clientWidth, height }));
    follow.observe(element);
    return () => {
      follow.disconnect();
      chart.destroy();
    };
  }, [stacked, zone, height, theme]);

  const parts = at === null ? null : stacked.counts[at];
  const [start, end] = at === null ? [0, 0] : [stacked.starts[at] ?? 0, stacked.ends[at] ?? 0];
  return (
    <figure
      className="histogram"
      aria-label={`Events over time: ${count(data.events)} in intervals of ${data.interval}`}
    >
      <div ref={box} style={{ height }} />
      <figcaption className="muted">
        {parts ? (
          <>
            <span className="num">
              {stamp(start * 1000, zone)} – {stamp(end * 1000, zone).slice(11)}
            </span>
            {stacked.names.map((name, index) => (
              <span key={name} className="key">
                <i style={{ background: `var(${TOKENS[name] ?? '--accent'})` }} /> {name} {count(parts[index] ?? 0)}
              </span>
            ))}
          </>
        ) : (
          <>
            {stacked.names.map((name) => (
              <span key={name} className="key">
                <i style={{ background: `var(${TOKENS[name] ?? '--accent'})` }} /> {name}
              </span>
            ))}
            <span>in intervals of {data.interval}; drag to zoom</span>
          </>
        )}
      </figcaption>
    </figure>
  );
}
