import { Tabs as Base } from '@base-ui/react/tabs';
import type { ReactNode } from 'react';

export interface Tab {
  id: string;
  name: ReactNode;
  panel: () => ReactNode;
}

interface Props {
  tabs: Tab[];
  value: string;
  onChange: (id: string) => void;
  label: string;
  /** What stands behind the tabs, in their line. */
  extra?: ReactNode;
}

/** Tabs that the arrow keys walk through; the chosen one alone is rendered. */
export function Tabs({ tabs, value, onChange, label, extra }: Props) {
  return (
    <Base.Root value={value} onValueChange={(id) => onChange(String(id))}>
      <div className="tabs-line">
        <Base.List className="tabs-list" aria-label={label}>
          {tabs.map((tab) => (
            <Base.Tab key={tab.id} value={tab.id} className="tab">
              {tab.name}
            </Base.Tab>
          ))}
        </Base.List>
        <span className="grow" />
        {extra}
      </div>
      {tabs.map((tab) => (
        <Base.Panel key={tab.id} value={tab.id} className="tab-panel" tabIndex={-1}>
          {tab.id === value && tab.panel()}
        </Base.Panel>
      ))}
    </Base.Root>
  );
}
