import type { ComponentPropsWithRef, ReactNode } from 'react';
import { Hint } from './Hint.tsx';

interface Props extends Omit<ComponentPropsWithRef<'button'>, 'disabled'> {
  look?: 'plain' | 'primary' | 'quiet' | 'danger';
  /** Shows only its icon; `label` then names it for everybody. */
  label?: string;
  /** Why it cannot be pressed now; shown when it is pointed at or focused. */
  disabled?: string | false | null | undefined;
  children?: ReactNode;
}

/** A button. One that cannot be pressed stays reachable and says why. */
export function Button({ look = 'plain', label, disabled, className = '', children, onClick, ...rest }: Props) {
  const names = ['button', look === 'plain' ? '' : look, label ? 'square' : '', className].filter(Boolean).join(' ');
  const button = (
    <button
      type="button"
      {...rest}
      className={names}
      aria-label={label ?? rest['aria-label']}
      aria-description={disabled || undefined}
      aria-disabled={disabled ? true : undefined}
      onClick={(event) => {
        if (disabled) event.preventDefault();
        else onClick?.(event);
      }}
    >
      {children}
    </button>
  );
  const hint = disabled || label;
  return hint ? <Hint text={hint}>{button}</Hint> : button;
}
