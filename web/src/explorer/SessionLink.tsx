import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';

/** Leads to a session; where an instant is named, to that moment of its recording. */
export function SessionLink({
  id,
  at,
  className,
  children,
}: {
  id: string;
  at?: string;
  className?: string;
  children: ReactNode;
}) {
  return (
    <Link to="/sessions/$id" params={{ id }} search={{ at }} className={className}>
      {children}
    </Link>
  );
}
