/** Every address of the console, and what stands there. Pages are loaded when they are opened. */

import { createRootRoute, createRoute, createRouter, lazyRouteComponent, redirect } from '@tanstack/react-router';
import { queries, sessionQuery } from './api/session.ts';
import { readSearch } from './explorer/question.ts';
import { Shell } from './shell/Shell.tsx';
import { Button } from './ui/Button.tsx';
import { Empty, Failed, Loading } from './ui/states.tsx';

const text = (value: unknown) => (typeof value === 'string' && value ? value : undefined);

const root = createRootRoute();

const login = createRoute({
  getParentRoute: () => root,
  path: '/login',
  validateSearch: (search: Record<string, unknown>): { next?: string | undefined } => ({ next: text(search.next) }),
  component: lazyRouteComponent(() => import('./pages/login/Login.tsx')),
});

const invite = createRoute({
  getParentRoute: () => root,
  path: '/invite/$token',
  component: lazyRouteComponent(() => import('./pages/invite/Invite.tsx')),
});

const shell = createRoute({
  getParentRoute: () => root,
  id: 'shell',
  component: Shell,
  beforeLoad: async ({ location }) => {
    const session = await queries.ensureQueryData(sessionQuery);
    if (!session) throw redirect({ to: '/login', search: { next: location.href } });
  },
});

const overview = createRoute({
  getParentRoute: () => shell,
  path: '/',
  component: lazyRouteComponent(() => import('./pages/overview/Overview.tsx')),
});

const events = createRoute({
  getParentRoute: () => shell,
  path: '/events',
  validateSearch: readSearch,
  component: lazyRouteComponent(() => import('./pages/events/Events.tsx')),
});

const sql = createRoute({
  getParentRoute: () => shell,
  path: '/events/sql',
  validateSearch: (search: Record<string, unknown>): { statement?: string | undefined } => ({
    statement: text(search.statement),
  }),
  component: lazyRouteComponent(() => import('./pages/events/Sql.tsx')),
});

const moment = (value: unknown) => (typeof value === 'number' && value >= 0 ? value : undefined);

const sessions = createRoute({
  getParentRoute: () => shell,
  path: '/sessions',
  validateSearch: (
    search: Record<string, unknown>,
  ): { view?: 'live' | 'screens' | undefined; q?: string | undefined } => ({
    view: search.view === 'live' || search.view === 'screens' ? search.view : undefined,
    q: text(search.q),
  }),
  component: lazyRouteComponent(() => import('./pages/sessions/Sessions.tsx')),
});

const session = createRoute({
  getParentRoute: () => shell,
  path: '/sessions/$id',
  // `t` is seconds from the beginning; `at` is an instant, for links from events; `watch` looks on at once.
  validateSearch: (
    search: Record<string, unknown>,
  ): { t?: number | undefined; at?: string | undefined; watch?: true | undefined } => ({
    t: moment(search.t),
    at: text(search.at),
    watch: search.watch === true || undefined,
  }),
  component: lazyRouteComponent(() => import('./pages/sessions/Session.tsx')),
});

const terminal = createRoute({
  getParentRoute: () => shell,
  path: '/terminal',
  validateSearch: (search: Record<string, unknown>): { target?: string | undefined; login?: string | undefined } => ({
    target: text(search.target),
    login: text(search.login),
  }),
  component: lazyRouteComponent(() => import('./terminal/Terminal.tsx')),
});

const accessHome = createRoute({
  getParentRoute: () => shell,
  path: '/access',
  beforeLoad: () => {
    throw redirect({ to: '/access/$part', params: { part: 'targets' }, search: {}, replace: true });
  },
});

const access = createRoute({
  getParentRoute: () => shell,
  path: '/access/$part',
  // What `explain` is asked.
  validateSearch: (
    search: Record<string, unknown>,
  ): { user?: string | undefined; target?: string | undefined; login?: string | undefined } => ({
    user: text(search.user),
    target: text(search.target),
    login: text(search.login),
  }),
  component: lazyRouteComponent(() => import('./pages/access/Access.tsx')),
});

export const router = createRouter({
  routeTree: root.addChildren([
    login,
    invite,
    shell.addChildren([overview, events, sql, sessions, session, terminal, accessHome, access]),
  ]),
  defaultPendingComponent: () => <Loading />,
  defaultErrorComponent: ({ error, reset }) => <Failed error={error} retry={reset} />,
  defaultNotFoundComponent: () => (
    <Empty title="There is no such page">
      <p>The address may be mistyped, or of another version of Lodge.</p>
      <Button onClick={() => void router.navigate({ to: '/' })}>Go to the overview</Button>
    </Empty>
  ),
  scrollRestoration: true,
});

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router;
  }
}
