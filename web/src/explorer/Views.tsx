import { type FormEvent, useState } from 'react';
import { Button } from '../ui/Button.tsx';
import { Icon } from '../ui/Icon.tsx';
import { Popover } from '../ui/Popover.tsx';
import type { EventsSearch } from './question.ts';
import { readViews, removeView, saveView, type View } from './views.ts';

const GIVEN: View[] = [
  { name: 'Refused today', search: { q: 'outcome: denied', since: 'now/d' } },
  { name: 'Failed logins, a week', search: { q: 'kind: user.login and outcome: failure', since: 'now-7d' } },
  { name: 'Commands', search: { q: 'kind: session.command', cols: 'actor.user,target.name' } },
  { name: 'Changes to access', search: { q: 'kind: (role.* or target.* or lock.* or user.*)', since: 'now-7d' } },
  { name: 'Who read the log', search: { q: 'kind: audit.*', since: 'now-7d' } },
];

export function Views({ search, onShow }: { search: EventsSearch; onShow: (search: EventsSearch) => void }) {
  const [open, setOpen] = useState(false);
  const [views, setViews] = useState(readViews);
  const [name, setName] = useState('');
  const save = (event: FormEvent) => {
    event.preventDefault();
    if (!name.trim()) return;
    saveView(name.trim(), search);
    setViews(readViews());
    setName('');
  };
  const show = (view: View) => {
    setOpen(false);
    onShow(view.search);
  };
  return (
    <Popover
      label="Saved views"
      align="end"
      open={open}
      onOpenChange={setOpen}
      trigger={
        <Button>
          <Icon name="save" /> Views
        </Button>
      }
    >
      <div className="views">
        {views.map((view) => (
          <div key={view.name} className="row">
            <button type="button" className="item grow" onClick={() => show(view)}>
              <span className="clip">{view.name}</span>
            </button>
            <Button
              look="quiet"
              className="tiny"
              label={`Delete the view ${view.name}`}
              onClick={() => {
                removeView(view.name);
                setViews(readViews());
              }}
            >
              <Icon name="close" size={12} />
            </Button>
          </div>
        ))}
        {GIVEN.map((view) => (
          <button type="button" key={view.name} className="item muted" onClick={() => show(view)}>
            <span className="clip">{view.name}</span>
          </button>
        ))}
        <hr />
        <form className="row" onSubmit={save}>
          <input
            className="input grow"
            aria-label="Name of the view"
            placeholder="Save this view as"
            value={name}
            onChange={(event) => setName(event.target.value)}
          />
          <Button type="submit" look="primary" disabled={!name.trim() && 'Type a name first'}>
            Save
          </Button>
        </form>
      </div>
    </Popover>
  );
}
