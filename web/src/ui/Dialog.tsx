import { Dialog as Base } from '@base-ui/react/dialog';
import type { ReactNode } from 'react';
import { Button } from './Button.tsx';
import { Icon } from './Icon.tsx';

interface Props {
  open: boolean;
  onClose: () => void;
  title: string;
  wide?: boolean;
  /** Buttons at the end. */
  footer?: ReactNode;
  children: ReactNode;
}

/** A dialog: keeps the focus inside, closes with Esc, and gives the focus back. */
export function Dialog({ open, onClose, title, wide, footer, children }: Props) {
  return (
    <Base.Root open={open} onOpenChange={(now) => !now && onClose()}>
      <Base.Portal>
        <Base.Backdrop className="backdrop" />
        <Base.Popup className={wide ? 'dialog wide' : 'dialog'}>
          <header>
            <Base.Title className="grow" render={<h2>{title}</h2>} />
            <Base.Close render={<Button look="quiet" label="Close" />}>
              <Icon name="close" />
            </Base.Close>
          </header>
          {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what is longer than the window is scrolled by the keyboard too. */}
          <div className="body" tabIndex={0}>
            {children}
          </div>
          {footer && <footer>{footer}</footer>}
        </Base.Popup>
      </Base.Portal>
    </Base.Root>
  );
}
