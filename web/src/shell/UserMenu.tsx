import { useState } from 'react';
import { useSession } from '../api/session.ts';
import { Icon } from '../ui/Icon.tsx';
import { Menu } from '../ui/Menu.tsx';
import { readTheme, setTheme, type Theme } from '../ui/theme.ts';

const THEMES: [Theme, string][] = [
  ['system', 'Colours of the system'],
  ['light', 'Light'],
  ['dark', 'Dark'],
];

/** Who is signed in, the colours, and the way out. */
export default function UserMenu({ onLeave }: { onLeave: () => void }) {
  const session = useSession();
  const [theme, setShown] = useState(readTheme());
  const choose = (next: Theme) => {
    setTheme(next);
    setShown(next);
  };
  return (
    <Menu
      trigger={
        <button type="button" className="place">
          <Icon name="user" />
          <span className="grow clip">{session.data?.user ?? '…'}</span>
          <Icon name="down" size={12} />
        </button>
      }
      items={[
        ...THEMES.map(([id, name]) => ({
          text: (
            <span className="row">
              <span className="grow">{name}</span>
              {theme === id && <Icon name="check" />}
            </span>
          ),
          act: () => choose(id),
        })),
        { text: 'Sign out', act: onLeave, apart: true },
      ]}
    />
  );
}
