/** The console's pictures, drawn on a grid of 16. */

const PATHS = {
  overview: 'M2.5 9.5h4v4h-4zm0-7h4v4h-4zm7 7h4v4h-4zm0-7h4v4h-4z',
  events: 'M2.5 4h11m-11 4h11m-11 4h7',
  sessions: 'M2 3h12v10H2zm2.5 3L7 8l-2.5 2M8.5 10.5h3',
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
  user: 'M8 8a3 3 0 1 0 0-6 3 3 0 0 0 0 6m-5.5 6c.5-3 2.5-4.500 5.500-4.500s5 1.500 5.500 4.500',
  again: 'M13 8a5 5 0 1 1-1.500-3.500L13 6m0-3.500V6H9.500',
  help: 'M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12M6.300 6.300C6.500 5 9.700 4.800 9.700 6.700 9.700 8 8 8 8 9.300m0 2v.1',
  menu: 'M2.5 4.500h11m-11 3.500h11m-11 3.500h11',
  copy: 'M5.500 5.500h8v8h-8zM10.500 5.500v-3h-8v8h3',
  lock: 'M3.500 7.500h9v6h-9zM5.500 7.500v-2a2.500 2.500 0 0 1 5 0v2',
  theme: 'M8 14A6 6 0 1 0 8 2zM8 2a6 6 0 0 1 0 12z',
  out: 'M9.500 4V2.500h-7v11h7V12M6 8h8m-2.500-2.500L14 8l-2.500 2.500',
  seal: 'M8 1.800l1.800 1.400 2.300-.1.600 2.200 1.800 1.400-.9 2.100.3 2.300-2.200.7L10.300 14 8 13.200 5.700 14l-1.400-1.900-2.200-.7.3-2.300-.9-2.100 1.800-1.400.6-2.200 2.300.1zM5.700 8.200l1.600 1.600 3-3.300',
  link: 'M6.500 9.500l3-3M7 4.500l1.500-1.500a3 3 0 0 1 4.500 4.500L11.500 9M9 11.500 7.500 13A3 3 0 0 1 3 8.500L4.500 7',
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
