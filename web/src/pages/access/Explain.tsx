import { useQuery } from '@tanstack/react-query';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { type FormEvent, useEffect, useState } from 'react';
import { answer, api } from '../../api/client.ts';
import { Button } from '../../ui/Button.tsx';
import { Field } from '../../ui/Field.tsx';
import { Icon } from '../../ui/Icon.tsx';
import { Empty, Failed, Loading } from '../../ui/states.tsx';

/** Whether somebody may reach a target, and which rule decides. */
export function Explain() {
  const asked = useSearch({ from: '/shell/access/$part' });
  const navigate = useNavigate({ from: '/access/$part' });
  const [user, setUser] = useState(asked.user ?? '');
  const [target, setTarget] = useState(asked.target ?? '');
  const [login, setLogin] = useState(asked.login ?? '');
  useEffect(() => {
    setUser(asked.user ?? '');
    setTarget(asked.target ?? '');
    setLogin(asked.login ?? '');
  }, [asked]);
  const ready = Boolean(asked.user && asked.target);
  const query = useQuery({
    queryKey: ['access', 'explain', asked],
    queryFn: ({ signal }) =>
      answer(
        api.GET('/v1/access/explain', {
          params: { query: { user: asked.user ?? '', target: asked.target ?? '', login: asked.login ?? null } },
          signal,
        }),
      ),
    enabled: ready,
    retry: false,
  });
  const missing = !user.trim() ? 'Name a user first' : !target.trim() ? 'Name a target first' : null;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (missing) return;
    void navigate({ search: { user: user.trim(), target: target.trim(), login: login.trim() || undefined } });
  };
  const [verdict = '', ...reasons] = (query.data?.text ?? '').trimEnd().split('\n');

  return (
    <>
      <form className="row wrap explain-form" onSubmit={submit}>
        <Field label="User" className="mono" value={user} onChange={(event) => setUser(event.target.value)} />
        <Field label="Target" className="mono" value={target} onChange={(event) => setTarget(event.target.value)} />
        <Field
          label="Login"
          className="mono"
          placeholder="any"
          value={login}
          onChange={(event) => setLogin(event.target.value)}
        />
        <Button look="primary" type="submit" disabled={missing}>
          Explain
        </Button>
      </form>
      {query.isError ? (
        <Failed error={query.error} />
      ) : query.data ? (
        <section className="stack" aria-live="polite">
          <div className={`verdict ${query.data.allowed ? 'good' : 'bad'}`}>
            <Icon name={query.data.allowed ? 'check' : 'close'} size={20} />
            <strong>{verdict}</strong>
          </div>
          <ul className="reasons">
            {reasons.map((reason) => (
              <li key={reason}>{reason.trim()}</li>
            ))}
          </ul>
        </section>
      ) : ready ? (
        <Loading rows={4} />
      ) : (
        <Empty title="Who may reach what, and why">
          <p>
            Asks the same decision that the gate makes, and shows what each lock and each rule says to it. Nothing is
            opened by asking.
          </p>
        </Empty>
      )}
    </>
  );
}
