import { useMemo, useState } from 'react';
import { shown } from '../../api/problem.ts';
import { Button } from '../../ui/Button.tsx';
import { Dialog } from '../../ui/Dialog.tsx';
import { plural } from '../../ui/figures.ts';
import { say } from '../../ui/toast.tsx';
import { apply } from './apply.ts';
import { diff } from './diff.ts';

interface Props {
  title: string;
  /** The document as it stands; empty for a new one. */
  before: string;
  /** What the editor begins with. */
  draft: string;
  /** Fetches the document as it stands now; somebody else may have changed it since. */
  current?: () => Promise<string>;
  /** Why the reader may not change it. */
  refused?: string | false;
  onClose: () => void;
}

/** Edits YAML and shows what will change before anything does. */
export function Editor({ title, before: first, draft, current, refused = false, onClose }: Props) {
  const [before, setBefore] = useState(first);
  const [text, setText] = useState(draft);
  const [step, setStep] = useState<'edit' | 'review'>('edit');
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const changes = useMemo(() => diff(before, text), [before, text]);
  const changed = changes.some((line) => line.sign !== ' ');

  const nameOf = (yaml: string) => /^name:\s*(.+)$/m.exec(yaml)?.[1]?.trim();
  const renamed = before !== '' && nameOf(before) !== nameOf(text);

  const review = async () => {
    setError(null);
    try {
      if (current) setBefore(await current());
      setStep('review');
    } catch (failure) {
      setError(failure);
    }
  };

  const save = async () => {
    setBusy(true);
    setError(null);
    try {
      const applied = await apply(text);
      say(applied.map((one) => `${one.kind} ${one.name} ${one.change}`).join(', '));
      onClose();
    } catch (failure) {
      setError(failure);
      setBusy(false);
      setStep('edit');
    }
  };

  return (
    <Dialog
      open
      onClose={onClose}
      title={title}
      wide
      footer={
        step === 'edit' ? (
          <>
            <Button onClick={onClose}>Cancel</Button>
            <Button
              look="primary"
              disabled={refused || (!changed && 'Nothing was changed yet')}
              onClick={() => void review()}
            >
              Show what changes
            </Button>
          </>
        ) : (
          <>
            <Button onClick={() => setStep('edit')}>Back</Button>
            <Button look="primary" disabled={busy && 'It is being applied'} onClick={() => void save()}>
              Apply
            </Button>
          </>
        )
      }
    >
      <div className="stack">
        {error !== null && (
          <div className="banner bad" role="alert">
            <span>
              Nothing was changed. {shown(error).message} {shown(error).next}
            </span>
          </div>
        )}
        {step === 'edit' ? (
          <textarea
            className="input yaml"
            aria-label="Document, YAML"
            rows={22}
            spellCheck={false}
            readOnly={refused !== false}
            value={text}
            onChange={(event) => setText(event.target.value)}
          />
        ) : (
          <>
            <p className="muted">
              {plural(changes.filter((line) => line.sign === '+').length, 'line')} added,{' '}
              {plural(changes.filter((line) => line.sign === '-').length, 'line')} removed. Sessions that would no
              longer be allowed end at once.
            </p>
            {before !== first && (
              <div className="banner">
                Somebody changed this meanwhile. Below it is compared with what stands now; lines that go may be theirs.
              </div>
            )}
            {renamed && (
              <div className="banner">Under another name this makes a second document; the first one stays.</div>
            )}
            <pre className="diff">
              {changes.map((line, at) => (
                // biome-ignore lint/suspicious/noArrayIndexKey: a line is its place.
                <div key={at} className={line.sign === '+' ? 'plus' : line.sign === '-' ? 'minus' : ''}>
                  {line.sign} {line.text}
                </div>
              ))}
            </pre>
          </>
        )}
      </div>
    </Dialog>
  );
}
