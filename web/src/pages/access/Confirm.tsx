import { type ReactNode, useState } from 'react';
import { queries } from '../../api/session.ts';
import { Button } from '../../ui/Button.tsx';
import { Dialog } from '../../ui/Dialog.tsx';
import { complain, say } from '../../ui/toast.tsx';

interface Props {
  title: string;
  /** What happens. */
  children: ReactNode;
  /** Word on the button. */
  verb: string;
  act: () => Promise<unknown>;
  /** What is said when it was done. */
  done: string;
  onClose: () => void;
}

/** Asks before something that cannot simply be taken back. */
export function Confirm({ title, children, verb, act, done, onClose }: Props) {
  const [busy, setBusy] = useState(false);
  const run = async () => {
    setBusy(true);
    try {
      await act();
      say(done);
      await queries.invalidateQueries({ queryKey: ['access'] });
    } catch (error) {
      complain('Nothing was changed', error);
    }
    onClose();
  };
  return (
    <Dialog
      open
      onClose={onClose}
      title={title}
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button look="danger" disabled={busy && 'It is under way'} onClick={() => void run()}>
            {verb}
          </Button>
        </>
      }
    >
      {children}
    </Dialog>
  );
}
