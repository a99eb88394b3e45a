import { Dialog } from '../ui/Dialog.tsx';

const KEYS: [string, string][] = [
  ['/', 'go to the search box'],
  ['j  k', 'next, previous row'],
  ['Enter', 'open the row, or close it again'],
  ['Esc', 'close what is open; leave the search box'],
  ['mod+K', 'commands and pages'],
  ['g o  g e  g s  g a', 'Overview, Events, Sessions, Access'],
  ['l', 'in Events: live tail on and off'],
  ['r', 'in Events: ask again'],
  ['Space', 'in a recording: play and pause'],
  ['←  →', 'in a recording: 5 seconds back, forward'],
  ['<  >', 'in a recording: slower, faster'],
  ['?', 'this help'],
];

const FILTERS: [string, string][] = [
  ['outcome: denied and time >= now-1d/d', 'everything that was refused since yesterday'],
  ['kind: user.login and outcome: failure and not origin.ip: 10.0.0.0/8', 'failed logins from outside'],
  ['kind: session.start and detail.login: root', 'who became root'],
  ['kind: session.command and detail.command: "rm -rf"', 'a command, wherever it ran'],
  ['actor.user: (alice or bob) and target.labels.env: prod', 'what two people did in production'],
  ['kind: (role.* or lock.*)', 'changes to roles and locks'],
  ['detail.responseStatus.code >= 400', 'numbers, dates and addresses compare as such'],
  ['"/etc/shadow"', 'everything about one file'],
  ['session: *', 'events that have a session'],
];

const RULES: [string, string][] = [
  ['field: value', 'the whole value; letter case does not matter'],
  ['*', 'any run of characters: target.name: db-*-eu'],
  ['word "a phrase"', 'text in any value; words side by side must all be there'],
  ['and  or  not  ( )', 'not binds tightest, then and, then or; a space is and'],
  ['now-24h  now/d  2026-03-14', 'dates: an instant, today, a whole day'],
];

function Rows({ rows, kind }: { rows: [string, string][]; kind: 'keys' | 'code' }) {
  const mod = /Mac/.test(navigator.platform) ? '⌘' : 'Ctrl ';
  return (
    <table>
      <tbody>
        {rows.map(([first, second]) => (
          <tr key={first}>
            <td>
              {kind === 'code' ? (
                <code>{first}</code>
              ) : (
                first.split('  ').map((part) => (
                  <span key={part}>
                    {part.split(' ').map((key) => (
                      <kbd key={key}>{key.replace('mod+', mod)}</kbd>
                    ))}{' '}
                  </span>
                ))
              )}
            </td>
            <td className="muted">{second}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** The help overlay: what the keys do, and how to ask. */
export default function Help({ onClose }: { onClose: () => void }) {
  return (
    <Dialog open onClose={onClose} title="Help" wide>
      <div className="help-grid">
        <section>
          <h3>Keyboard</h3>
          <Rows rows={KEYS} kind="keys" />
        </section>
        <section>
          <h3>Filter language</h3>
          <Rows rows={RULES} kind="code" />
        </section>
      </div>
      <div className="help-grid">
        <section>
          <h3>What people ask</h3>
          <Rows rows={FILTERS} kind="code" />
        </section>
      </div>
    </Dialog>
  );
}
