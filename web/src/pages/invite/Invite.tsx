/** Accepting an invite: a password, an authenticator, a code from it, and the recovery codes that are shown once. */

import { useNavigate, useParams } from '@tanstack/react-router';
import { type FormEvent, lazy, Suspense, useState } from 'react';
import { answer, api, type Schemas } from '../../api/client.ts';
import { shown } from '../../api/problem.ts';
import { download } from '../../explorer/download.ts';
import { Button } from '../../ui/Button.tsx';
import { Field } from '../../ui/Field.tsx';
import { complain, say } from '../../ui/toast.tsx';
import { Gate } from '../login/Gate.tsx';

const Qr = lazy(() => import('./Qr.tsx').then((module) => ({ default: module.Qr })));

const LEAST_CHARACTERS = 12;

/** Where one is; each step holds what the next one needs. */
type Step =
  | { at: 'password' }
  | { at: 'authenticator'; enrolment: Schemas['InviteEnrolment'] }
  | { at: 'done'; done: Schemas['InviteDone'] };

const STEPS = ['password', 'authenticator', 'done'] as const;
const NAMES = { password: 'Password', authenticator: 'Authenticator', done: 'Recovery codes' };

export default function Invite() {
  const { token } = useParams({ from: '/invite/$token' });
  const [step, setStep] = useState<Step>({ at: 'password' });
  return (
    <Gate title="Join Lodge">
      <ol className="steps">
        {STEPS.map((name) => (
          <li key={name} aria-current={step.at === name ? 'step' : undefined}>
            {NAMES[name]}
          </li>
        ))}
      </ol>
      {step.at === 'password' && (
        <Password token={token} onDone={(enrolment) => setStep({ at: 'authenticator', enrolment })} />
      )}
      {step.at === 'authenticator' && (
        <Authenticator token={token} enrolment={step.enrolment} onDone={(done) => setStep({ at: 'done', done })} />
      )}
      {step.at === 'done' && <Codes done={step.done} />}
    </Gate>
  );
}

function Problem({ error }: { error: unknown }) {
  if (!error) return null;
  const problem = shown(error);
  return (
    <div className="banner bad" role="alert">
      <span>
        {problem.title}. {problem.message}
      </span>
    </div>
  );
}

function Password({ token, onDone }: { token: string; onDone: (enrolment: Schemas['InviteEnrolment']) => void }) {
  const [password, setPassword] = useState('');
  const [again, setAgain] = useState('');
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const short = Array.from(password).length < LEAST_CHARACTERS;
  const differ = again !== '' && again !== password;
  const missing = short
    ? `The password needs ${LEAST_CHARACTERS} characters`
    : again !== password
      ? 'Type the same password again'
      : null;

  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (missing || busy) return;
    setBusy(true);
    setError(null);
    try {
      onDone(await answer(api.POST('/v1/invites/begin', { body: { token, password } })));
    } catch (failure) {
      setError(failure);
      setBusy(false);
    }
  };
  return (
    <form className="stack" onSubmit={submit}>
      <Problem error={error} />
      <Field
        label="New password"
        type="password"
        autoComplete="new-password"
        autoFocus
        help={`${LEAST_CHARACTERS} characters or more. A sentence is easy to remember and hard to guess.`}
        value={password}
        onChange={(event) => setPassword(event.target.value)}
      />
      <Field
        label="The same again"
        type="password"
        autoComplete="new-password"
        wrong={differ ? 'This is not the same.' : null}
        value={again}
        onChange={(event) => setAgain(event.target.value)}
      />
      <Button look="primary" type="submit" disabled={busy ? 'Asking the server' : missing}>
        Go on
      </Button>
    </form>
  );
}

interface AuthenticatorProps {
  token: string;
  enrolment: Schemas['InviteEnrolment'];
  onDone: (done: Schemas['InviteDone']) => void;
}

function Authenticator({ token, enrolment, onDone }: AuthenticatorProps) {
  const [code, setCode] = useState('');
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const digits = code.replace(/\s/g, '');
  const missing = /^\d{6}$/.test(digits) ? null : 'Type the six digits that your authenticator shows';

  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (missing || busy) return;
    setBusy(true);
    setError(null);
    try {
      onDone(await answer(api.POST('/v1/invites/finish', { body: { token, code: digits } })));
    } catch (failure) {
      setError(failure);
      setCode('');
      setBusy(false);
    }
  };
  return (
    <form className="stack" onSubmit={submit}>
      <p>
        Scan this with an authenticator on your phone, <strong>{enrolment.user}</strong>.
      </p>
      <Suspense fallback={<div className="qr" />}>
        <Qr text={enrolment.totp_uri} label="QR code for your authenticator; its key stands below" />
      </Suspense>
      <p className="muted">
        Or type the key: <code className="secret">{enrolment.totp_secret.replace(/(.{4})/g, '$1 ').trim()}</code>
      </p>
      <Problem error={error} />
      <Field
        label="Code"
        help="The six digits that it shows now."
        className="mono"
        inputMode="numeric"
        autoComplete="one-time-code"
        autoFocus
        value={code}
        onChange={(event) => setCode(event.target.value)}
      />
      <Button look="primary" type="submit" disabled={busy ? 'Asking the server' : missing}>
        Confirm
      </Button>
    </form>
  );
}

function Codes({ done }: { done: Schemas['InviteDone'] }) {
  const navigate = useNavigate();
  const [kept, setKept] = useState(false);
  const text = `${done.recovery_codes.join('\n')}\n`;
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
      say('The recovery codes were copied');
    } catch (error) {
      complain('The recovery codes were not copied', error);
    }
  };
  return (
    <div className="stack">
      <p>
        Each of these signs you in once when your phone is lost. <strong>They are not shown again.</strong> Keep them
        somewhere safe, not on the phone.
      </p>
      <ol className="codes">
        {done.recovery_codes.map((code) => (
          <li key={code}>
            <code>{code}</code>
          </li>
        ))}
      </ol>
      <div className="row">
        <Button onClick={() => void copy()}>Copy</Button>
        <Button onClick={() => download(`lodge-recovery-codes-${done.user}.txt`, text, 'text/plain')}>
          Save as a file
        </Button>
      </div>
      <label className="row">
        <input type="checkbox" checked={kept} onChange={(event) => setKept(event.target.checked)} />I have kept them
      </label>
      <Button
        look="primary"
        disabled={!kept && 'Keep the codes first, then tick the box'}
        onClick={() => void navigate({ to: '/login', search: {}, replace: true })}
      >
        Sign in
      </Button>
    </div>
  );
}
