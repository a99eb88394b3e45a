/** The targets that the reader reaches, each with the accounts that their roles give there. */

import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { plural } from '../ui/figures.ts';
import { Empty, Failed, Loading, Refreshing } from '../ui/states.tsx';
import { reachableQuery } from './reachable.ts';

export function Targets() {
  const query = useQuery(reachableQuery);
  const [find, setFind] = useState('');
  if (query.isError && !query.data) return <Failed error={query.error} retry={() => void query.refetch()} />;
  if (!query.data) return <Loading />;
  const needle = find.trim().toLowerCase();
  const found = query.data.filter(({ name, labels }) =>
    `${name} ${Object.entries(labels).flat().join(' ')}`.toLowerCase().includes(needle),
  );
  return (
    <div className="page">
      <h1>Terminal</h1>
      <div className="row wrap">
        <input
          className="input"
          type="search"
          aria-label="Find a target"
          placeholder="Find a target"
          value={find}
          onChange={(event) => setFind(event.target.value)}
        />
        <span className="muted num">{plural(found.length, 'target')} that you reach</span>
      </div>
      <div className="table-scroll relative">
        <Refreshing when={query.isFetching} />
        {found.length === 0 ? (
          <Empty title={find ? 'No target has this' : 'You reach no target'}>
            {!find && (
              <p>A role would have to give you an account on one. Whoever administers this Lodge can say more.</p>
            )}
          </Empty>
        ) : (
          <table className="table">
            <thead>
              <tr>
                <th>Target</th>
                <th>Labels</th>
                <th>Open as</th>
              </tr>
            </thead>
            <tbody>
              {found.map(({ name, labels, logins }) => (
                <tr key={name}>
                  <td>{name}</td>
                  <td>
                    <span className="row wrap">
                      {Object.entries(labels).map(([label, value]) => (
                        <span key={label} className="badge">
                          {label}: {value}
                        </span>
                      ))}
                    </span>
                  </td>
                  <td>
                    <span className="row wrap">
                      {logins.map((login) => (
                        <Link
                          key={login}
                          to="/terminal"
                          search={{ target: name, login }}
                          className="button"
                          aria-label={`Open ${login}@${name}`}
                        >
                          {login}
                        </Link>
                      ))}
                    </span>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        )}
      </div>
    </div>
  );
}
