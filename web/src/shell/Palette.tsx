import { Dialog } from '@base-ui/react/dialog';
import { useQuery } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useId, useMemo, useState } from 'react';
import { reachableQuery } from '../terminal/reachable.ts';
import { Icon, type IconName } from '../ui/Icon.tsx';
import { setTheme } from '../ui/theme.ts';
import { PLACES } from './Shell.tsx';

interface Command {
  group: string;
  name: string;
  icon: IconName;
  act: () => void;
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** Whether every letter that was typed occurs in the name, in order. */
export function matches(name: string, typed: string): boolean {
  let at = 0;
  const lower = name.toLowerCase();
  for (const letter of typed.toLowerCase().replace(/\s+/g, '')) {
    at = lower.indexOf(letter, at) + 1;
    if (at === 0) return false;
  }
  return true;
}

/** Everything that can be done from anywhere, found by a few letters. */
export default function Palette({ onClose, onHelp }: { onClose: () => void; onHelp: () => void }) {
  const navigate = useNavigate();
  const [typed, setTyped] = useState('');
  const [at, setAt] = useState(0);
  const id = useId();

  const reachable = useQuery(reachableQuery);

  const commands = useMemo<Command[]>(() => {
    const page = (name: string, href: string, icon: IconName, group = 'Pages'): Command => ({
      group,
      name,
      icon,
      act: () => void navigate({ href }),
    });
    return [
      ...PLACES.map(({ to, name, icon }) => page(name, to, icon)),
      page('SQL', '/events/sql', 'events'),
      page('Live sessions', '/sessions?view=live', 'sessions'),
      page('Search what was shown', '/sessions?view=screens', 'sessions'),
      ...['targets', 'users', 'roles', 'locks', 'explain', 'authorities'].map((part) =>
        page(`Access: ${part}`, `/access/${part}`, 'access'),
      ),
      page('What was refused today', '/events?q=outcome: denied&since=now/d', 'events', 'Questions'),
      page(
        'Failed logins of a week',
        '/events?q=kind: user.login and outcome: failure&since=now-7d',
        'events',
        'Questions',
      ),
      page('Commands of today', '/events?q=kind: session.command&since=now/d', 'events', 'Questions'),
      page(
        'Changes to access',
        '/events?q=kind: (role.* or target.* or lock.* or user.*)&since=now-7d',
        'events',
        'Questions',
      ),
      page('Who read the log', '/events?q=kind: audit.*&since=now-7d', 'events', 'Questions'),
      ...(reachable.data ?? []).flatMap(({ name, logins }) =>
        logins.map((login) =>
          page(
            `ssh ${login}@${name}`,
            `/terminal?${new URLSearchParams({ target: name, login })}`,
            'sessions',
            'Terminals',
          ),
        ),
      ),
      { group: 'Console', name: 'Help: keyboard and filter language', icon: 'help', act: onHelp },
      { group: 'Console', name: 'Colours: light', icon: 'theme', act: () => setTheme('light') },
      { group: 'Console', name: 'Colours: dark', icon: 'theme', act: () => setTheme('dark') },
      { group: 'Console', name: 'Colours: as the system has it', icon: 'theme', act: () => setTheme('system') },
    ];
  }, [navigate, onHelp, reachable.data]);

  const shown = useMemo(() => {
    const text = typed.trim();
    const found = commands.filter((command) => matches(command.name, text));
    if (!text) return found;
    const href = `/events?${new URLSearchParams({ q: text })}`;
    if (UUID.test(text)) {
      const act = () => void navigate({ to: '/sessions/$id', params: { id: text }, search: {} });
      return [{ group: 'Sessions', name: `Session ${text}`, icon: 'sessions' as const, act }, ...found];
    }
    return [
      ...found,
      { group: 'Events', name: `Search for ${text}`, icon: 'search' as const, act: () => void navigate({ href }) },
    ];
  }, [commands, typed, navigate]);

  const chosen = Math.min(at, shown.length - 1);

  const run = (command: Command | undefined) => {
    if (!command) return;
    onClose();
    command.act();
  };
  const move = (by: number) => setAt((chosen + by + shown.length) % Math.max(1, shown.length));
  const keys: Record<string, () => void> = {
    ArrowDown: () => move(1),
    ArrowUp: () => move(-1),
    Enter: () => run(shown[chosen]),
  };

  return (
    <Dialog.Root open onOpenChange={(open) => !open && onClose()}>
      <Dialog.Portal>
        <Dialog.Backdrop className="backdrop" />
        <Dialog.Popup className="dialog palette" aria-label="Commands">
          <input
            role="combobox"
            aria-expanded="true"
            aria-controls={`${id}-list`}
            aria-activedescendant={`${id}-${chosen}`}
            aria-label="Command, page, session id, or words to search for"
            placeholder="Command, page, session id, or words to search for"
            autoComplete="off"
            spellCheck={false}
            value={typed}
            onChange={(event) => {
              setTyped(event.target.value);
              setAt(0);
            }}
            onKeyDown={(event) => {
              const act = keys[event.key];
              if (!act) return;
              event.preventDefault();
              act();
            }}
          />
          <div className="options" role="listbox" id={`${id}-list`} aria-label="Commands">
            {shown.map((command, index) => (
              <div key={command.group + command.name}>
                {command.group !== shown[index - 1]?.group && <div className="group">{command.group}</div>}
                <div
                  className="item"
                  role="option"
                  tabIndex={-1}
                  id={`${id}-${index}`}
                  aria-selected={index === chosen}
                  ref={index === chosen ? (element) => element?.scrollIntoView({ block: 'nearest' }) : undefined}
                  onPointerMove={() => setAt(index)}
                  onClick={() => run(command)}
                  onKeyDown={() => {}}
                >
                  <Icon name={command.icon} />
                  <span className="clip">{command.name}</span>
                </div>
              </div>
            ))}
            {shown.length === 0 && <div className="item muted">Nothing has these letters</div>}
          </div>
        </Dialog.Popup>
      </Dialog.Portal>
    </Dialog.Root>
  );
}
