/** Who may do what: targets, users, roles, locks, authorities, and why. */

import { Link, useParams } from '@tanstack/react-router';
import { Empty } from '../../ui/states.tsx';
import '../../explorer/explorer.css';
import { Authorities } from './Authorities.tsx';
import { Explain } from './Explain.tsx';
import { Locks } from './Locks.tsx';
import { Resources } from './Resources.tsx';
import { Users } from './Users.tsx';
import './access.css';

export const PARTS = [
  ['targets', 'Targets'],
  ['users', 'Users'],
  ['roles', 'Roles'],
  ['locks', 'Locks'],
  ['explain', 'Explain'],
  ['authorities', 'Authorities'],
] as const;

export default function Access() {
  const { part } = useParams({ from: '/shell/access/$part' });
  return (
    <div className="access">
      <nav className="tabs-list events-tabs" aria-label="Parts of access">
        {PARTS.map(([id, name]) => (
          <Link
            key={id}
            to="/access/$part"
            params={{ part: id }}
            search={{}}
            className="tab"
            activeOptions={{ includeSearch: false }}
          >
            {name}
          </Link>
        ))}
      </nav>
      <div className="access-body">
        {part === 'targets' || part === 'roles' ? (
          <Resources key={part} kind={part} />
        ) : part === 'users' ? (
          <Users />
        ) : part === 'locks' ? (
          <Locks />
        ) : part === 'explain' ? (
          <Explain />
        ) : part === 'authorities' ? (
          <Authorities />
        ) : (
          <Empty title="There is no such part of access" />
        )}
      </div>
    </div>
  );
}
