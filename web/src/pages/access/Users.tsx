import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { type FormEvent, useState } from 'react';
import { answer, api, type Schemas } from '../../api/client.ts';
import { shown } from '../../api/problem.ts';
import { queries, useRefused } from '../../api/session.ts';
import { quote } from '../../explorer/filter/edit.ts';
import { Button } from '../../ui/Button.tsx';
import { Dialog } from '../../ui/Dialog.tsx';
import { Field } from '../../ui/Field.tsx';
import { plural } from '../../ui/figures.ts';
import { Icon } from '../../ui/Icon.tsx';
import { Menu } from '../../ui/Menu.tsx';
import { Empty, Failed, Loading } from '../../ui/states.tsx';
import { Time } from '../../ui/time.tsx';
import { complain, say } from '../../ui/toast.tsx';
import { Confirm } from './Confirm.tsx';
import { Editor } from './Editor.tsx';
import { toYaml } from './yaml.ts';

type User = Schemas['User'];

type Doing =
  | { what: 'edit' | 'delete' | 'reset' | 'disable'; user: User }
  | { what: 'new' }
  | { what: 'invite'; invite: Schemas['Invite'] }
  | null;

const document = (user: User) =>
  toYaml([
    ['kind', 'user'],
    ['name', user.name],
    ['roles', user.roles],
    ['traits', user.traits as Record<string, string[]>],
    ['disabled', user.status === 'disabled' ? true : undefined],
  ]);

const LOOKS: Record<string, string> = { active: 'good', invited: 'accent', disabled: 'warn' };

export function Users() {
  const refused = useRefused();
  const [doing, setDoing] = useState<Doing>(null);
  const [find, setFind] = useState('');
  const query = useQuery({
    queryKey: ['access', 'users'],
    queryFn: ({ signal }) => answer(api.GET('/v1/users', { signal })),
  });
  if (query.isError && !query.data) return <Failed error={query.error} retry={() => void query.refetch()} />;
  if (!query.data) return <Loading />;
  const found = query.data.filter((user) =>
    `${user.name} ${user.roles.join(' ')} ${user.status}`.toLowerCase().includes(find.toLowerCase()),
  );
  const close = () => setDoing(null);
  const enable = async (user: User) => {
    try {
      await answer(api.PATCH('/v1/users/{name}', { params: { path: { name: user.name } }, body: { disabled: false } }));
      await queries.invalidateQueries({ queryKey: ['access', 'users'] });
      say(`${user.name} may sign in again`);
    } catch (error) {
      complain('Nothing was changed', error);
    }
  };
  const reset = async (user: User) => {
    const invite = await answer(api.POST('/v1/users/{name}/reset', { params: { path: { name: user.name } } }));
    setTimeout(() => setDoing({ what: 'invite', invite }));
  };

  return (
    <>
      <div className="row wrap">
        <input
          className="input"
          aria-label="Find a user"
          placeholder="Find a user"
          value={find}
          onChange={(event) => setFind(event.target.value)}
        />
        <span className="muted num">{plural(found.length, 'user')}</span>
        <span className="grow" />
        <Button look="primary" disabled={refused('users.create')} onClick={() => setDoing({ what: 'new' })}>
          <Icon name="plus" /> Invite a user
        </Button>
      </div>
      <div className="table-scroll">
        {found.length === 0 ? (
          <Empty title="No user has this" />
        ) : (
          <table className="table">
            <thead>
              <tr>
                <th>Name</th>
                <th>Status</th>
                <th>Roles</th>
                <th>Traits</th>
                <th className="end">Recovery codes left</th>
                <th>Since</th>
                <th>
                  <span className="hidden-visually">Actions</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {found.map((user) => (
                <tr key={user.name}>
                  <td>
                    <Link
                      to="/events"
                      search={{ q: `actor.user: ${quote(user.name)}`, since: 'now-7d' }}
                      title="What this person did in seven days"
                    >
                      {user.name}
                    </Link>
                  </td>
                  <td>
                    <span className={`badge ${LOOKS[user.status] ?? ''}`}>{user.status}</span>{' '}
                    {user.locked_until && (
                      <span className="badge bad" title="Too many failed logins">
                        locked out until <Time at={user.locked_until} as="clock" />
                      </span>
                    )}
                  </td>
                  <td>
                    <span className="row">
                      {user.roles.map((role) => (
                        <span key={role} className="badge">
                          {role}
                        </span>
                      ))}
                      {user.roles.length === 0 && <span className="muted">none</span>}
                    </span>
                  </td>
                  <td className="muted">
                    {Object.entries(user.traits as Record<string, string[]>)
                      .map(([name, values]) => `${name}: ${values.join(', ')}`)
                      .join(' · ')}
                  </td>
                  <td className={`end num ${user.recovery_codes < 3 && user.status === 'active' ? 'few' : ''}`}>
                    {user.recovery_codes}
                  </td>
                  <td>
                    <Time at={user.created} />
                  </td>
                  <td className="end">
                    <Menu
                      align="end"
                      trigger={
                        <button
                          type="button"
                          className="button quiet square"
                          aria-label={`What to do with ${user.name}`}
                        >
                          <Icon name="down" />
                        </button>
                      }
                      items={[
                        {
                          text: 'Roles and traits …',
                          disabled: refused('users.update'),
                          act: () => setDoing({ what: 'edit', user }),
                        },
                        {
                          text: 'New password and second factor …',
                          disabled: refused('users.update'),
                          act: () => setDoing({ what: 'reset', user }),
                        },
                        user.status === 'disabled'
                          ? {
                              text: 'Let sign in again',
                              disabled: refused('users.update'),
                              act: () => void enable(user),
                            }
                          : {
                              text: 'Disable …',
                              disabled: refused('users.update'),
                              act: () => setDoing({ what: 'disable', user }),
                            },
                        {
                          text: 'Delete …',
                          disabled: refused('users.delete'),
                          act: () => setDoing({ what: 'delete', user }),
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
      {doing?.what === 'new' && <NewUser onClose={close} onInvite={(invite) => setDoing({ what: 'invite', invite })} />}
      {doing?.what === 'invite' && <InviteLink invite={doing.invite} onClose={close} />}
      {doing?.what === 'edit' && (
        <Editor
          title={`Roles and traits of ${doing.user.name}`}
          before={document(doing.user)}
          draft={document(doing.user)}
          current={async () =>
            document(await answer(api.GET('/v1/users/{name}', { params: { path: { name: doing.user.name } } })))
          }
          onClose={close}
        />
      )}
      {doing?.what === 'reset' && (
        <Confirm
          title={`Make a new invite for ${doing.user.name}?`}
          verb="End logins, make the invite"
          done="The old password no longer works"
          act={() => reset(doing.user)}
          onClose={close}
        >
          <p>
            Logins, password and second factor end at once. You then get a link, with which {doing.user.name} sets new
            ones.
          </p>
        </Confirm>
      )}
      {doing?.what === 'disable' && (
        <Confirm
          title={`Disable ${doing.user.name}?`}
          verb="Disable"
          done={`${doing.user.name} is disabled`}
          act={() =>
            answer(
              api.PATCH('/v1/users/{name}', { params: { path: { name: doing.user.name } }, body: { disabled: true } }),
            )
          }
          onClose={close}
        >
          <p>{doing.user.name} cannot sign in until somebody changes that. Logins and live sessions end.</p>
        </Confirm>
      )}
      {doing?.what === 'delete' && (
        <Confirm
          title={`Delete ${doing.user.name}?`}
          verb="Delete"
          done={`${doing.user.name} was deleted`}
          act={() => answer(api.DELETE('/v1/users/{name}', { params: { path: { name: doing.user.name } } }))}
          onClose={close}
        >
          <p>Logins and live sessions end at once. What {doing.user.name} did stays in the log.</p>
        </Confirm>
      )}
    </>
  );
}

const words = (text: string) => text.split(/[\s,]+/).filter(Boolean);

function NewUser({ onClose, onInvite }: { onClose: () => void; onInvite: (invite: Schemas['Invite']) => void }) {
  const [name, setName] = useState('');
  const [roles, setRoles] = useState('');
  const [logins, setLogins] = useState('');
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const missing = /^[a-z0-9_.-]{1,64}$/.test(name) ? null : 'A name has up to 64 of a-z, 0-9, -, _ and .';

  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (missing || busy) return;
    setBusy(true);
    setError(null);
    try {
      const traits = words(logins).length > 0 ? { traits: { logins: words(logins) } } : {};
      onInvite(await answer(api.POST('/v1/users', { body: { name, roles: words(roles), ...traits } })));
      await queries.invalidateQueries({ queryKey: ['access', 'users'] });
    } catch (failure) {
      setError(failure);
      setBusy(false);
    }
  };
  return (
    <Dialog
      open
      onClose={onClose}
      title="Invite a user"
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button look="primary" type="submit" form="new-user" disabled={busy ? 'It is being made' : missing}>
            Make the invite
          </Button>
        </>
      }
    >
      <form className="stack" id="new-user" onSubmit={submit}>
        {error !== null && (
          <div className="banner bad" role="alert">
            <span>Nobody was invited. {shown(error).message}</span>
          </div>
        )}
        <Field
          label="Name"
          className="mono"
          autoFocus
          autoCapitalize="none"
          spellCheck={false}
          value={name}
          onChange={(event) => setName(event.target.value)}
        />
        <Field
          label="Roles"
          className="mono"
          help="Parted by spaces; they must exist."
          placeholder="developer"
          value={roles}
          onChange={(event) => setRoles(event.target.value)}
        />
        <Field
          label="Logins on targets"
          className="mono"
          help="The trait `logins`, which roles may use."
          placeholder="deploy"
          value={logins}
          onChange={(event) => setLogins(event.target.value)}
        />
      </form>
    </Dialog>
  );
}

function InviteLink({ invite, onClose }: { invite: Schemas['Invite']; onClose: () => void }) {
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(invite.url);
      say('The link was copied');
    } catch (error) {
      complain('The link was not copied', error);
    }
  };
  return (
    <Dialog
      open
      onClose={onClose}
      title={`Invite for ${invite.user}`}
      footer={
        <>
          <Button onClick={() => void copy()}>
            <Icon name="copy" /> Copy
          </Button>
          <Button look="primary" onClick={onClose}>
            Done
          </Button>
        </>
      }
    >
      <div className="stack">
        <p>
          Give this to {invite.user} over a way that nobody else reads. It works once, until{' '}
          <Time at={invite.expires} />, and is not shown again.
        </p>
        <pre className="json">{invite.url}</pre>
      </div>
    </Dialog>
  );
}
