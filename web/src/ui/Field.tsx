import { type ComponentPropsWithRef, type ReactNode, useId } from 'react';

interface Props extends ComponentPropsWithRef<'input'> {
  label: string;
  help?: ReactNode;
  /** What is wrong with the value; announced. */
  wrong?: string | null;
}

/** A labelled input with its help and what is wrong with it. */
export function Field({ label, help, wrong, className = '', ...rest }: Props) {
  const id = useId();
  const said = [help ? `${id}-help` : '', wrong ? `${id}-wrong` : ''].filter(Boolean).join(' ');
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      <input
        {...rest}
        id={id}
        className={`input ${className}`}
        aria-invalid={wrong ? true : undefined}
        aria-describedby={said || undefined}
      />
      {help && (
        <span className="help" id={`${id}-help`}>
          {help}
        </span>
      )}
      {wrong && (
        <span className="wrong" id={`${id}-wrong`} role="alert">
          {wrong}
        </span>
      )}
    </div>
  );
}
