import { type FormEvent, useState } from 'react';
import { answer, api } from '../../api/client.ts';
import { shown } from '../../api/problem.ts';
import { useRefused } from '../../api/session.ts';
import { Button } from '../../ui/Button.tsx';
import { Dialog } from '../../ui/Dialog.tsx';
import { Field } from '../../ui/Field.tsx';
import { Icon } from '../../ui/Icon.tsx';
import { Empty, Failed, Loading } from '../../ui/states.tsx';
import { Time } from '../../ui/time.tsx';
import { say } from '../../ui/toast.tsx';
import { apply } from './apply.ts';
import { Confirm } from './Confirm.tsx';
import { type Resource, useResources } from './Resources.tsx';
import { toYaml } from './yaml.ts';

const NAMED = ['user', 'role', 'target', 'login', 'session'] as const;
const CUTS_OFF: Record<string, string> = {
  user: 'that person: targets and the API',
  role: 'everyone who holds the role: targets and the API',
  target: 'that target, for everyone',
  login: 'that account, on every target',
  session: 'that running session',
  everything: 'every target, for everyone; the API stays open',
};

type Document = Record<string, unknown>;

const whom = (document: Document): string => {
  const kind = NAMED.find((name) => document[name] !== undefined);
  return kind ? `${kind} ${document[kind]}` : 'everything';
};

/** Locks: what is cut off now, whatever roles say. */
export function Locks() {
  const refused = useRefused();
  const query = useResources('locks');
  const [making, setMaking] = useState(false);
  const [lifting, setLifting] = useState<Resource | null>(null);
  if (query.isError && !query.data) return <Failed error={query.error} retry={() => void query.refetch()} />;
  if (!query.data) return <Loading />;
  return (
    <>
      <div className="row">
        <span className="grow muted">A lock cuts off at once, running sessions included, whatever roles grant.</span>
        <Button look="primary" disabled={refused('locks.create')} onClick={() => setMaking(true)}>
          <Icon name="lock" /> Lock …
        </Button>
      </div>
      {query.data.length === 0 ? (
        <Empty title="Nothing is locked" />
      ) : (
        <div className="table-scroll">
          <table className="table">
            <thead>
              <tr>
                <th>Name</th>
                <th>Cuts off</th>
                <th>Reason</th>
                <th>Until</th>
                <th>
                  <span className="hidden-visually">Actions</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {query.data.map((lock) => {
                const document = lock.document as Document;
                return (
                  <tr key={lock.name}>
                    <td>{lock.name}</td>
                    <td>
                      <span className="badge bad">{whom(document)}</span>
                    </td>
                    <td>{String(document.reason ?? '')}</td>
                    <td>{document.expires ? <Time at={String(document.expires)} /> : 'it is lifted'}</td>
                    <td className="end">
                      <button type="button" className="linklike" onClick={() => setLifting(lock)}>
                        Lift
                      </button>
                    </td>
                  </tr>
                );
              })}
            </tbody>
          </table>
        </div>
      )}
      {making && <NewLock onClose={() => setMaking(false)} />}
      {lifting && (
        <Confirm
          title={`Lift the lock ${lifting.name}?`}
          verb="Lift the lock"
          done={`The lock ${lifting.name} was lifted`}
          act={() =>
            answer(api.DELETE('/v1/{kind}/{name}', { params: { path: { kind: 'locks', name: lifting.name } } }))
          }
          onClose={() => setLifting(null)}
        >
          <p>
            <strong>{whom(lifting.document as Document)}</strong> may then again do what roles allow.
          </p>
        </Confirm>
      )}
    </>
  );
}

function NewLock({ onClose }: { onClose: () => void }) {
  const [kind, setKind] = useState<string>('user');
  const [value, setValue] = useState('');
  const [name, setName] = useState('');
  const [reason, setReason] = useState('');
  const [hours, setHours] = useState('');
  const [error, setError] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  const everything = kind === 'everything';
  const missing =
    !everything && !value.trim()
      ? `Name the ${kind} first`
      : !/^[a-z0-9_.-]{1,64}$/.test(name)
        ? 'Give the lock a name of a-z, 0-9, -, _ and .'
        : hours && !(Number(hours) > 0)
          ? 'Hours are a number above 0'
          : null;

  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (missing || busy) return;
    setBusy(true);
    setError(null);
    try {
      const expires = hours ? new Date(Date.now() + Number(hours) * 3_600_000).toISOString() : undefined;
      await apply(
        toYaml([
          ['kind', 'lock'],
          ['name', name],
          [kind, everything ? true : value.trim()],
          ['reason', reason.trim()],
          ['expires', expires],
        ]),
      );
      say(`The lock ${name} holds`);
      onClose();
    } catch (failure) {
      setError(failure);
      setBusy(false);
    }
  };

  return (
    <Dialog
      open
      onClose={onClose}
      title="Lock"
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button look="danger" type="submit" form="new-lock" disabled={busy ? 'It is being set' : missing}>
            Cut off now
          </Button>
        </>
      }
    >
      <form className="stack" id="new-lock" onSubmit={submit}>
        {error !== null && (
          <div className="banner bad" role="alert">
            <span>Nothing was locked. {shown(error).message}</span>
          </div>
        )}
        <div className="field">
          <label htmlFor="lock-kind">What is cut off</label>
          <select id="lock-kind" className="select" value={kind} onChange={(event) => setKind(event.target.value)}>
            {[...NAMED, 'everything'].map((one) => (
              <option key={one} value={one}>
                {one}: {CUTS_OFF[one]}
              </option>
            ))}
          </select>
        </div>
        {!everything && (
          <Field
            label={`Which ${kind}`}
            className="mono"
            value={value}
            onChange={(event) => setValue(event.target.value)}
          />
        )}
        <Field
          label="Name of the lock"
          help="The person is told this name, and nothing else."
          className="mono"
          placeholder="incident-42"
          value={name}
          onChange={(event) => setName(event.target.value)}
        />
        <Field
          label="Reason"
          help="Goes into the log."
          value={reason}
          onChange={(event) => setReason(event.target.value)}
        />
        <Field
          label="For how many hours"
          help="Until it is lifted, where nothing stands here."
          inputMode="decimal"
          value={hours}
          onChange={(event) => setHours(event.target.value)}
        />
      </form>
    </Dialog>
  );
}
