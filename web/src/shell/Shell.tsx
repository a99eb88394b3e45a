import { Link, Outlet, useNavigate, useRouter } from '@tanstack/react-router';
import { lazy, Suspense, useEffect, useState } from 'react';
import { onSignedOut } from '../api/client.ts';
import { signOut } from '../api/console.ts';
import { forgetSession, useSession } from '../api/session.ts';
import { Button } from '../ui/Button.tsx';
import { Icon, type IconName } from '../ui/Icon.tsx';
import { useKeys } from '../ui/keys.ts';
import { complain } from '../ui/toast.tsx';
import './shell.css';

const Palette = lazy(() => import('./Palette.tsx'));
const UserMenu = lazy(() => import('./UserMenu.tsx'));
const Help = lazy(() => import('./Help.tsx'));

export const PLACES: { to: string; name: string; icon: IconName; key: string }[] = [
  { to: '/', name: 'Overview', icon: 'overview', key: 'g o' },
  { to: '/events', name: 'Events', icon: 'events', key: 'g e' },
  { to: '/sessions', name: 'Sessions', icon: 'sessions', key: 'g s' },
  { to: '/terminal', name: 'Terminal', icon: 'terminal', key: 'g t' },
  { to: '/access', name: 'Access', icon: 'access', key: 'g a' },
];

/** How long after `g` the second letter counts. */
const CHORD_MS = 1200;

function useChords(go: (to: string) => void) {
  const [begun, setBegun] = useState(0);
  const second = (to: string) => () => {
    if (Date.now() - begun < CHORD_MS) go(to);
    setBegun(0);
  };
  useKeys({ g: () => setBegun(Date.now()) });
  useKeys(Object.fromEntries(PLACES.map(({ to, key }) => [key.slice(2), second(to)])), begun > 0);
  useEffect(() => {
    if (!begun) return;
    const timer = setTimeout(() => setBegun(0), CHORD_MS);
    return () => clearTimeout(timer);
  }, [begun]);
}

/** The frame around every page: where one can go, who one is, the palette and the help. */
export function Shell() {
  const navigate = useNavigate();
  const router = useRouter();
  const session = useSession();
  const [layer, setLayer] = useState<'palette' | 'help' | null>(null);
  const [open, setOpen] = useState(false);
  const go = (href: string) => void navigate({ href });

  useEffect(
    () =>
      onSignedOut(() => {
        forgetSession();
        void navigate({ to: '/login', search: { next: router.state.location.href } });
      }),
    [navigate, router],
  );
  useEffect(() => router.subscribe('onResolved', () => setOpen(false)), [router]);
  useChords(go);
  useKeys({ 'mod+k': () => setLayer('palette'), '?': () => setLayer('help') });

  const leave = async () => {
    try {
      await signOut();
      forgetSession();
      await navigate({ to: '/login', search: {} });
    } catch (error) {
      complain('You are still signed in', error);
    }
  };

  return (
    <div className="shell">
      <a className="button skip" href="#main">
        Skip to the page
      </a>
      <div className="topbar">
        <Button
          look="quiet"
          label={open ? 'Close the menu' : 'Open the menu'}
          aria-expanded={open}
          onClick={() => setOpen(!open)}
        >
          <Icon name={open ? 'close' : 'menu'} />
        </Button>
        <span className="grow">Lodge</span>
        <Button look="quiet" label="Search and commands" onClick={() => setLayer('palette')}>
          <Icon name="search" />
        </Button>
      </div>
      <nav className="nav" aria-label="Main" data-open={open}>
        <Link to="/" className="brand">
          <svg width="18" height="18" viewBox="0 0 16 16" aria-hidden="true">
            <path d="M2 7 8 2l6 5v7H9.8v-4H6.2v4H2z" fill="currentColor" />
          </svg>
          Lodge
        </Link>
        {PLACES.map((place) => (
          <Link
            key={place.to}
            to={place.to}
            className="place"
            activeOptions={{ exact: place.to === '/', includeSearch: false }}
          >
            <Icon name={place.icon} />
            {place.name}
          </Link>
        ))}
        <span className="grow" />
        <button type="button" className="place" onClick={() => setLayer('palette')}>
          <Icon name="search" />
          Commands
          <kbd>{/Mac/.test(navigator.platform) ? '⌘K' : 'Ctrl K'}</kbd>
        </button>
        <button type="button" className="place" onClick={() => setLayer('help')}>
          <Icon name="help" />
          Help
          <kbd>?</kbd>
        </button>
        <Suspense
          fallback={
            <span className="place">
              <Icon name="user" />
              <span className="clip">{session.data?.user}</span>
            </span>
          }
        >
          <UserMenu onLeave={() => void leave()} />
        </Suspense>
      </nav>
      <main className="main" id="main" tabIndex={-1}>
        <Outlet />
      </main>
      <Suspense>
        {layer === 'palette' && <Palette onClose={() => setLayer(null)} onHelp={() => setLayer('help')} />}
        {layer === 'help' && <Help onClose={() => setLayer(null)} />}
      </Suspense>
    </div>
  );
}
