/** Targets and roles: what there is, as a table; each a YAML document that can be edited. */

import { useQuery } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { type ReactNode, useState } from 'react';
import { answer, api, type Schemas } from '../../api/client.ts';
import { useRefused } from '../../api/session.ts';
import { reachableQuery } from '../../terminal/reachable.ts';
import { Button } from '../../ui/Button.tsx';
import { plural } from '../../ui/figures.ts';
import { Icon } from '../../ui/Icon.tsx';
import { Menu } from '../../ui/Menu.tsx';
import { Empty, Failed, Loading, Refreshing } from '../../ui/states.tsx';
import { Confirm } from './Confirm.tsx';
import { Editor } from './Editor.tsx';

export type Resource = Schemas['Resource'];
type Document = Record<string, unknown>;

export function useResources(kind: 'roles' | 'targets' | 'locks') {
  return useQuery({
    queryKey: ['access', kind],
    queryFn: ({ signal }) => answer(api.GET('/v1/{kind}', { params: { path: { kind } }, signal })),
  });
}

const TARGET = `kind: target
name: web-2
address: web-2.example.com:22
labels: {env: staging, team: web}
host_key:
  pinned: ssh-ed25519 AAAA…   # cat /etc/ssh/ssh_host_ed25519_key.pub, on the server itself
`;

const ROLE = `kind: role
name: developer
description: Staging freely
allow:
  - labels: {env: [staging, "dev-*"], team: "*"}
    logins: [deploy, "{{user.traits.logins}}"]
options:
  session_ttl: 8h
`;

interface Column {
  name: string;
  cell: (document: Document, resource: Resource) => ReactNode;
}

const list = (value: unknown): unknown[] =>
  Array.isArray(value) ? value : value === undefined || value === null ? [] : [value];
const rules = (value: unknown) => plural(list(value).length, 'rule');

const KINDS: Record<'targets' | 'roles', { one: string; draft: string; columns: Column[]; gone: string }> = {
  targets: {
    one: 'target',
    draft: TARGET,
    gone: 'Sessions on it end at once, and nobody reaches it through Lodge any more. What happened there stays in the log.',
    columns: [
      { name: 'Address', cell: (document) => <span className="mono">{String(document.address ?? '')}</span> },
      { name: 'Labels', cell: (document) => <Labels value={document.labels} /> },
      {
        name: 'Host key',
        cell: (document) => {
          const key = (document.host_key ?? {}) as Document;
          return key.authority ? `authority: ${key.authority}` : `${plural(list(key.pinned).length, 'key')} pinned`;
        },
      },
    ],
  },
  roles: {
    one: 'role',
    draft: ROLE,
    gone: 'It grants nothing any more, also not to those who hold it; sessions that only it allowed end at once.',
    columns: [
      { name: 'What for', cell: (document) => String(document.description ?? '') },
      { name: 'Allows', cell: (document) => rules(document.allow) },
      {
        name: 'Denies',
        cell: (document) =>
          list(document.deny).length ? rules(document.deny) : <span className="muted">nothing</span>,
      },
      {
        name: 'Options',
        cell: (document) =>
          Object.entries((document.options ?? {}) as Document)
            .map(([name, value]) => `${name} ${value}`)
            .join(', ') || <span className="muted">defaults</span>,
      },
    ],
  },
};

export function Labels({ value }: { value: unknown }) {
  const labels = Object.entries((value ?? {}) as Record<string, string>);
  if (labels.length === 0) return <span className="muted">none</span>;
  return (
    <span className="row">
      {labels.map(([name, label]) => (
        <span key={name} className="badge">
          {name}: {label}
        </span>
      ))}
    </span>
  );
}

/** Opens a terminal, where there is an account to open it under. */
function Connect({ target, reachable }: { target: string; reachable: Schemas['ReachableTarget'][] | undefined }) {
  const navigate = useNavigate();
  const logins = reachable?.find(({ name }) => name === target)?.logins ?? [];
  const open = (login: string) => void navigate({ to: '/terminal', search: { target, login } });
  const [only] = logins;
  if (logins.length > 1)
    return (
      <Menu
        align="end"
        trigger={<Button look="quiet">Connect …</Button>}
        items={logins.map((login) => ({ text: `as ${login}`, act: () => open(login) }))}
      />
    );
  return (
    <Button
      look="quiet"
      aria-label={`Connect to ${target}`}
      disabled={!only && (reachable ? 'Your roles give you no account on it' : 'Asking which targets you reach')}
      onClick={() => only && open(only)}
    >
      Connect
    </Button>
  );
}

type Doing = { what: 'edit' | 'show' | 'delete'; resource: Resource } | { what: 'new' } | null;

export function Resources({ kind }: { kind: 'targets' | 'roles' }) {
  const { one, draft, columns, gone } = KINDS[kind];
  const query = useResources(kind);
  const [doing, setDoing] = useState<Doing>(null);
  const [find, setFind] = useState('');
  const refused = useRefused();
  const reachable = useQuery({ ...reachableQuery, enabled: kind === 'targets' });
  if (query.isError && !query.data) return <Failed error={query.error} retry={() => void query.refetch()} />;
  if (!query.data) return <Loading />;
  const found = query.data.filter((resource) => resource.yaml.toLowerCase().includes(find.toLowerCase()));

  return (
    <>
      <div className="row wrap">
        <input
          className="input"
          aria-label={`Find a ${one}`}
          placeholder={`Find a ${one}`}
          value={find}
          onChange={(event) => setFind(event.target.value)}
        />
        <span className="muted num">{plural(found.length, one)}</span>
        <span className="grow" />
        <Button look="primary" disabled={refused(`${kind}.create`)} onClick={() => setDoing({ what: 'new' })}>
          <Icon name="plus" /> New {one}
        </Button>
      </div>
      <div className="table-scroll relative">
        <Refreshing when={query.isFetching} />
        {found.length === 0 ? (
          <Empty title={find ? `No ${one} has this` : `There is no ${one} yet`} />
        ) : (
          <table className="table">
            <thead>
              <tr>
                <th>Name</th>
                {columns.map((column) => (
                  <th key={column.name}>{column.name}</th>
                ))}
                <th>
                  <span className="hidden-visually">Actions</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {found.map((resource) => (
                <tr key={resource.name}>
                  <td>
                    <button
                      type="button"
                      className="linklike"
                      onClick={() => setDoing({ what: resource.preset ? 'show' : 'edit', resource })}
                    >
                      {resource.name}
                    </button>{' '}
                    {resource.preset && <span className="badge">preset</span>}
                  </td>
                  {columns.map((column) => (
                    <td key={column.name}>{column.cell(resource.document as Document, resource)}</td>
                  ))}
                  <td className="end nowrap">
                    {kind === 'targets' && <Connect target={resource.name} reachable={reachable.data} />}
                    <Menu
                      align="end"
                      trigger={
                        <button
                          type="button"
                          className="button quiet square"
                          aria-label={`What to do with ${resource.name}`}
                        >
                          <Icon name="down" />
                        </button>
                      }
                      items={[
                        {
                          text: 'Edit …',
                          disabled: resource.preset ? 'a preset' : refused(`${kind}.update`),
                          act: () => setDoing({ what: 'edit', resource }),
                        },
                        {
                          text: 'Delete …',
                          disabled: resource.preset ? 'a preset' : refused(`${kind}.delete`),
                          act: () => setDoing({ what: 'delete', resource }),
                          apart: true,
                        },
                      ]}
                    />
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        )}
      </div>
      {doing?.what === 'new' && <Editor title={`New ${one}`} before="" draft={draft} onClose={() => setDoing(null)} />}
      {(doing?.what === 'edit' || doing?.what === 'show') && (
        <Editor
          title={
            doing.what === 'show'
              ? `${doing.resource.name} is a preset; under another name this makes a new role`
              : `Edit ${one} ${doing.resource.name}`
          }
          before={doing.resource.yaml}
          draft={doing.resource.yaml}
          refused={refused(`${kind}.${doing.what === 'show' ? 'create' : 'update'}`)}
          current={async () =>
            (await answer(api.GET('/v1/{kind}/{name}', { params: { path: { kind, name: doing.resource.name } } }))).yaml
          }
          onClose={() => setDoing(null)}
        />
      )}
      {doing?.what === 'delete' && (
        <Confirm
          title={`Delete the ${one} ${doing.resource.name}?`}
          verb="Delete"
          done={`The ${one} ${doing.resource.name} was deleted`}
          act={() => answer(api.DELETE('/v1/{kind}/{name}', { params: { path: { kind, name: doing.resource.name } } }))}
          onClose={() => setDoing(null)}
        >
          <p>{gone}</p>
        </Confirm>
      )}
    </>
  );
}
