/** The console's pictures, drawn on a grid of 16. */

const PATHS = {
  overview: 'M2.5 9.5h4v4h-4zm0-7h4v4h-4zm7 7h4v4h-4zm0-7h4v4h-4z',
  events: 'M2.5 4h11m-11 4h11m-11 4h7',
  sessions: 'M2 3h12v10H2zm2.5 3L7 8l-2.5 2M8.5 10.5h3',
  terminal: 'M1.5 4l4 4-4 4M8 12h6.5',
  access: 'M8 2l5 2v4c0 3-2 5-5 6-3-1-5-3-5-6V4zm-2 6 1.5 1.5L10.5 6.5',
  search: 'M7 12a5 5 0 1 0 0-10 5 5 0 0 0 0 10m3.5-1.5L14 14',
  close: 'M3.5 3.5l9 9m0-9-9 9',
  check: 'M3 8.5 6.5 12 13 4.5',
  warn: 'M8 2 14.5 13.5h-13zM8 6.5v3m0 2v.1',
  down: 'M4 6l4 4 4-4',
  right: 'M6 4l4 4-4 4',
  left: 'M10 4 6 8l4 4',
  plus: 'M8 3v10M3 8h10',
  minus: 'M3 8h10',
  live: 'M8 9.5a1.5 1.5 0 1 0 0-3 1.5 1.5 0 0 0 0 3M4.5 11.5a5 5 0 0 1 0-7m7 0a5 5 0 0 1 0 7',
  clock: 'M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12M8 4.5V8l2.5 1.5',
  columns: 'M2.5 3h11v10h-11zM6.5 3v10m3.5-10v10',
  save: 'M3 2.5h8l2 2v9H3zm2.5 0v4h5v-4m-5 11v-4h5v4',
  download: 'M8 2.5v7m-3-3 3 3 3-3m-8.5 6h11',
  play: 'M5 3l8 5-8 5z',
  pause: 'M5 3v10M11 3v10',
  user: 'M8 8a3 3 0 1 0 0-6 3 3 0 0 0 0 6m-5.5 6c.5-3 2.5-4.5 5.5-4.5s5 1.5 5.5 4.5',
  again: 'M13 8a5 5 0 1 1-1.5-3.5L13 6m0-3.5V6H9.5',
  help: 'M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12M6.3 6.3C6.5 5 9.7 4.8 9.7 6.7 9.7 8 8 8 8 9.3m0 2v.1',
  menu: 'M2.5 4.5h11m-11 3.5h11m-11 3.5h11',
  copy: 'M5.5 5.5h8v8h-8zM10.5 5.5v-3h-8v8h3',
  lock: 'M3.5 7.5h9v6h-9zM5.5 7.5v-2a2.5 2.5 0 0 1 5 0v2',
  theme: 'M8 14A6 6 0 1 0 8 2zM8 2a6 6 0 0 1 0 12z',
  out: 'M9.5 4V2.5h-7v11h7V12M6 8h8m-2.5-2.5L14 8l-2.5 2.5',
  seal:
    'M8 1.8l1.8 1.4 2.3-.1.6 2.2 1.8 1.4-.9 2.1.3 2.3-2.2.7L10.3 14 8 13.2 5.7 14l-1.4-1.9-2.2-.7.3-2.3' +
    '-.9-2.1 1.8-1.4.6-2.2 2.3.1zM5.7 8.2l1.6 1.6 3-3.3',
  link: 'M6.5 9.5l3-3M7 4.5l1.5-1.5a3 3 0 0 1 4.5 4.5L11.5 9M9 11.5 7.5 13A3 3 0 0 1 3 8.5L4.5 7',
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name, size = 16 }: { name: IconName; size?: number }) {
  return (
    <svg
      className="icon"
      width={size}
      height={size}
      viewBox="0 0 16 16"
      fill={name === 'play' ? 'currentColor' : 'none'}
      stroke="currentColor"
      strokeWidth="1.4"
      strokeLinecap="round"
      strokeLinejoin="round"
      aria-hidden="true"
    >
      <path d={PATHS[name]} />
    </svg>
  );
}
