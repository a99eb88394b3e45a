import { Menu as Base } from '@base-ui/react/menu';
import type { ReactElement, ReactNode } from 'react';

export interface MenuItem {
  text: ReactNode;
  act?: () => void;
  /** Why it cannot be chosen now. */
  disabled?: string | false;
  /** Stands behind a line. */
  apart?: boolean;
}

/** A menu that opens from a button. */
export function Menu({
  trigger,
  items,
  align = 'start',
}: {
  trigger: ReactElement;
  items: MenuItem[];
  align?: 'start' | 'end';
}) {
  return (
    <Base.Root>
      <Base.Trigger render={trigger} />
      <Base.Portal>
        <Base.Positioner sideOffset={4} align={align} className="layer">
          <Base.Popup className="popup">
            {items.map((item, index) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: a menu's items have no names of their own and do not move.
              <div key={index}>
                {item.apart && <hr />}
                <Base.Item className="item" disabled={Boolean(item.disabled)} onClick={item.act}>
                  <span className="grow">{item.text}</span>
                  {item.disabled && <small className="muted">{item.disabled}</small>}
                </Base.Item>
              </div>
            ))}
          </Base.Popup>
        </Base.Positioner>
      </Base.Portal>
    </Base.Root>
  );
}
