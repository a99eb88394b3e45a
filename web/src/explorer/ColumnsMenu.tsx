import { useState } from 'react';
import { Button } from '../ui/Button.tsx';
import { Icon } from '../ui/Icon.tsx';
import { Popover } from '../ui/Popover.tsx';
import { suggestFields } from './filter/complete.ts';

/** Chooses what stands between time and summary. */
export function ColumnsMenu({ columns, onColumn }: { columns: string[]; onColumn: (field: string) => void }) {
  const [find, setFind] = useState('');
  const others = suggestFields(find, 40)
    .map((field) => field.name)
    .filter((name) => !columns.includes(name));
  return (
    <Popover
      label="Columns"
      align="end"
      trigger={
        <Button>
          <Icon name="columns" /> Columns
        </Button>
      }
    >
      <div className="columns-panel">
        <input
          className="input"
          aria-label="Find a field"
          placeholder="Find a field"
          value={find}
          onChange={(event) => setFind(event.target.value)}
        />
        <div className="columns-list">
          {[...columns, ...others].map((name) => (
            <label key={name} className="item">
              <input type="checkbox" checked={columns.includes(name)} onChange={() => onColumn(name)} />
              <span className="clip">{name}</span>
            </label>
          ))}
        </div>
      </div>
    </Popover>
  );
}
