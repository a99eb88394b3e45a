import { useNavigate, useSearch } from '@tanstack/react-router';
import { type FormEvent, useState } from 'react';
import { signIn } from '../../api/console.ts';
import { shown } from '../../api/problem.ts';
import { forgetSession, queries, sessionQuery } from '../../api/session.ts';
import { Button } from '../../ui/Button.tsx';
import { Field } from '../../ui/Field.tsx';
import { ownAddress } from './address.ts';
import { Gate } from './Gate.tsx';

/** Signing in with name, password and the authenticator's code. */
export default function Login() {
  const navigate = useNavigate();
  const { next } = useSearch({ from: '/login' });
  const [name, setName] = useState('');
  const [password, setPassword] = useState('');
  const [code, setCode] = useState('');
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);

  const missing = !name
    ? 'Type your name first'
    : !password
      ? 'Type your password first'
      : !code
        ? 'Type the code first'
        : null;

  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (missing || busy) return;
    setBusy(true);
    setError(null);
    try {
      await signIn({ name: name.trim(), password, code: code.trim() });
      forgetSession();
      await queries.fetchQuery({ ...sessionQuery, staleTime: 0 });
      await navigate({ href: ownAddress(next) });
    } catch (failure) {
      setError(failure);
      setCode('');
    } finally {
      setBusy(false);
    }
  };

  const problem = error ? shown(error) : null;
  return (
    <Gate title="Sign in">
      <form className="stack" onSubmit={submit}>
        {problem && (
          <div className="banner bad" role="alert">
            <span>
              {problem.status === 401 ? 'You are not signed in: ' : `${problem.title}. `}
              {problem.message} {problem.status !== 401 && problem.next}
            </span>
          </div>
        )}
        <Field
          label="Name"
          autoComplete="username"
          autoCapitalize="none"
          spellCheck={false}
          autoFocus
          value={name}
          onChange={(event) => setName(event.target.value)}
        />
        <Field
          label="Password"
          type="password"
          autoComplete="current-password"
          value={password}
          onChange={(event) => setPassword(event.target.value)}
        />
        <Field
          label="Code"
          help="Six digits from your authenticator, or a recovery code."
          autoComplete="one-time-code"
          className="mono"
          spellCheck={false}
          value={code}
          onChange={(event) => setCode(event.target.value)}
        />
        <Button look="primary" type="submit" disabled={busy ? 'Asking the server' : missing}>
          {busy ? 'Signing in …' : 'Sign in'}
        </Button>
      </form>
    </Gate>
  );
}
