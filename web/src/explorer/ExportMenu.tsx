import { useState } from 'react';
import { answer, api, fetchRaw } from '../api/client.ts';
import { LodgeError } from '../api/problem.ts';
import { Button } from '../ui/Button.tsx';
import { Dialog } from '../ui/Dialog.tsx';
import { Field } from '../ui/Field.tsx';
import { count } from '../ui/figures.ts';
import { Icon } from '../ui/Icon.tsx';
import { Menu } from '../ui/Menu.tsx';
import { complain, say } from '../ui/toast.tsx';
import { download } from './download.ts';
import { allRows, MOST_ROWS, toCsv, toNdjson } from './export.ts';
import type { Asked } from './question.ts';

interface Props {
  asked: Asked;
  columns: string[];
  /** Positions of the rows in sight: where an evidence bundle begins and ends unless somebody says otherwise. */
  range: { from: number; to: number } | null;
}

export function ExportMenu({ asked, columns, range }: Props) {
  const [busy, setBusy] = useState('');
  const [bundle, setBundle] = useState(false);

  const save = async (form: 'csv' | 'ndjson') => {
    setBusy('Fetching …');
    try {
      const { rows, whole } = await allRows(
        asked,
        (rows) => setBusy(`${count(rows)} rows …`),
        new AbortController().signal,
      );
      if (form === 'csv') download('events.csv', toCsv(rows, columns), 'text/csv');
      else download('events.ndjson', toNdjson(rows), 'application/x-ndjson');
      const rest = whole
        ? ''
        : `These are the first ${count(MOST_ROWS)}; for more use lodge audit search, or a shorter range.`;
      say(`${count(rows.length)} rows were saved`, rest);
    } catch (error) {
      complain('The rows were not saved', error);
    } finally {
      setBusy('');
    }
  };

  return (
    <>
      <Menu
        align="end"
        trigger={
          <Button disabled={busy && 'An export is under way'}>
            <Icon name="download" /> {busy || 'Export'}
          </Button>
        }
        items={[
          { text: 'CSV: the columns shown', act: () => void save('csv') },
          { text: 'NDJSON: whole events', act: () => void save('ndjson') },
          { text: 'Evidence bundle: a range, provably whole …', act: () => setBundle(true), apart: true },
        ]}
      />
      {bundle && <BundleDialog range={range} onClose={() => setBundle(false)} />}
    </>
  );
}

/** Fetches an evidence bundle, verifies it here, and only then saves it. */
function BundleDialog({ range, onClose }: { range: Props['range']; onClose: () => void }) {
  const [from, setFrom] = useState(String(range?.from ?? 0));
  const [to, setTo] = useState(range ? String(range.to) : '');
  const [state, setState] = useState('');
  const wrong =
    !/^\d+$/.test(from) || !/^\d*$/.test(to)
      ? 'positions are whole numbers'
      : to && Number(to) <= Number(from)
        ? 'the range is empty'
        : null;

  const fetchBundle = async () => {
    setState('Fetching …');
    try {
      const text = await (await fetchRaw(`/v1/log/export?from=${from}${to ? `&to=${to}` : ''}`)).text();
      setState('Verifying …');
      const [{ verifyBundle }, { parseKey }, { pin, remember }, trust] = await Promise.all([
        import('../proof/bundle.ts'),
        import('../proof/key.ts'),
        import('../proof/keyring.ts'),
        answer(api.GET('/v1/trust')),
      ]);
      if (!text.endsWith('\n')) throw new LodgeError(0, 'cut', 'The bundle is cut off', 'Its last line has no end.');
      const proved = await verifyBundle(text.slice(0, -1).split('\n'), await parseKey(pin(trust.log_key).text));
      remember(proved.checkpoint);
      download(`evidence-${proved.from}-${proved.to}.ndjson`, text, 'application/x-ndjson');
      say('The evidence bundle was verified and saved', `Positions ${proved.from} to ${proved.to}, none left out.`);
      onClose();
    } catch (error) {
      complain('No evidence bundle was saved', error);
      setState('');
    }
  };

  return (
    <Dialog
      open
      onClose={onClose}
      title="Evidence bundle"
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button look="primary" disabled={wrong || state} onClick={() => void fetchBundle()}>
            {state || 'Fetch, verify and save'}
          </Button>
        </>
      }
    >
      <div className="stack">
        <p>
          A contiguous part of the log with what ties it to a signed checkpoint: it shows that each event is genuine and
          that none between was left out. Filters do not apply. You need the right to export the log.
        </p>
        <div className="row">
          <Field
            label="From position"
            className="mono"
            value={from}
            onChange={(event) => setFrom(event.target.value)}
          />
          <Field
            label="To (not included)"
            className="mono"
            placeholder="the newest checkpoint"
            value={to}
            onChange={(event) => setTo(event.target.value)}
          />
        </div>
        {wrong && <p className="wrong">The range cannot be asked for: {wrong}.</p>}
      </div>
    </Dialog>
  );
}
