import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';

/** Leads to everything that happened in a session. */
export function SessionLink({
  id,
  className,
  children,
}: {
  id: string;
  at?: string;
  className?: string;
  children: ReactNode;
}) {
  return (
    <Link to="/events" search={{ q: `session: ${id}`, since: 'all' }} className={className}>
      {children}
    </Link>
  );
}
