/** The proof of an event, verified here. Green is shown only for what `verifyRow` has verified. */

import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { answer, api, type EventRow } from '../api/client.ts';
import { hex } from '../proof/bytes.ts';
import { confirm, forget } from '../proof/keyring.ts';
import { type RowProof, verifyRow } from '../proof/row.ts';
import { Button } from '../ui/Button.tsx';
import { Dialog } from '../ui/Dialog.tsx';
import { count } from '../ui/figures.ts';
import { Icon } from '../ui/Icon.tsx';
import { Failed, Loading } from '../ui/states.tsx';
import { stamp } from '../ui/time.tsx';
import { download } from './download.ts';

const COMPARE = 'Compare it once with the key that your administrator gives out (log.vkey).';

interface Checked {
  result: RowProof;
  file: unknown;
}

async function check(row: EventRow, signal: AbortSignal): Promise<Checked> {
  const [file, trust] = await Promise.all([
    answer(api.GET('/v1/events/{id}/proof', { params: { path: { id: row.event.id } }, signal })),
    answer(api.GET('/v1/trust', { signal })),
  ]);
  return { file, result: await verifyRow({ row, proof: file, key: trust.log_key }) };
}

export default function Proof({ row }: { row: EventRow }) {
  const client = useQueryClient();
  const [asking, setAsking] = useState(false);
  const checked = useQuery({
    queryKey: ['proof', row.event.id],
    queryFn: ({ signal }) => check(row, signal),
    retry: false,
    gcTime: 0,
  });
  if (checked.isError) {
    return (
      <>
        <Verdict
          look="none"
          title="Not verified"
          words="No proof could be fetched, so nothing is known about this event but what the server says."
        />
        <Failed error={checked.error} retry={() => void checked.refetch()} />
      </>
    );
  }
  if (!checked.data) {
    return (
      <>
        <Verdict look="none" title="Not verified yet" words="The proof is being fetched and checked." />
        <Loading rows={2} />
      </>
    );
  }
  const { result, file } = checked.data;
  const again = () => void client.invalidateQueries({ queryKey: ['proof'] });
  return (
    <div className="stack">
      {result.state === 'verified' && (
        <>
          <Verdict
            look="good"
            title="Verified in this browser"
            words="What this row shows is, byte for byte, what the log’s key signed."
          />
          <ol className="chain">
            <Step title="Event">
              {count(result.proved.payload.length)} bytes of JSON, the same that this row shows, hash with their salt to
              the commitment <code>{hex(result.proved.leaf.commitment).slice(0, 16)}…</code>
            </Step>
            <Step title="Leaf">
              position {count(row.position)}, taken {stamp(Number(result.proved.leaf.logTimeUs / 1000n))}, source{' '}
              <code>{result.proved.leaf.source}</code> number {String(result.proved.leaf.sequence)}
            </Step>
            <Step title="Path">
              {result.proved.pathLength} hashes lead to the root{' '}
              <code>{hex(result.proved.checkpoint.root).slice(0, 16)}…</code>
            </Step>
            <Step title="Checkpoint">
              {count(Number(result.proved.checkpoint.size))} entries of <code>{result.proved.checkpoint.origin}</code>,
              signed with Ed25519
            </Step>
            <Step title="Key">
              <code className="key">{result.key.text}</code>
              <br />
              {result.key.confirmed
                ? 'You have compared this key with the one that was given to you.'
                : `This browser has known it since ${stamp(result.key.since)}, from the server itself. ${COMPARE}`}{' '}
              {!result.key.confirmed && (
                <button type="button" className="linklike" onClick={() => setAsking(true)}>
                  Compare …
                </button>
              )}
            </Step>
          </ol>
        </>
      )}
      {result.state === 'failed' && (
        <>
          <Verdict
            look="bad"
            title="This does not verify"
            words={`${result.failure.message[0]?.toUpperCase()}${result.failure.message.slice(1)}.`}
          />
          <p>
            Keep the proof below, do not rely on this row, and check the log where it lies:{' '}
            <code>lodge audit verify</code>.
          </p>
          {result.failure.code === 'key' && (
            <p>
              If the log’s key was changed on purpose, and you have compared the new one:{' '}
              <button
                type="button"
                className="linklike"
                onClick={() => {
                  forget();
                  again();
                }}
              >
                forget the old key
              </button>
            </p>
          )}
        </>
      )}
      <div className="row wrap">
        <Button
          onClick={() => download(`proof-${row.position}.json`, JSON.stringify(file, null, 1), 'application/json')}
        >
          <Icon name="download" /> Proof file
        </Button>
        <Button onClick={again}>Check again</Button>
        <span className="muted">
          Offline: <code>lodge audit verify --proof proof-{row.position}.json --key KEY</code>
        </span>
      </div>
      <Dialog
        open={asking}
        onClose={() => setAsking(false)}
        title="Is this the log’s key?"
        footer={
          <>
            <Button onClick={() => setAsking(false)}>Not now</Button>
            <Button
              look="primary"
              onClick={() => {
                confirm();
                setAsking(false);
                again();
              }}
            >
              It is the same
            </Button>
          </>
        }
      >
        <p>
          The server told this browser its key, and a server that lies could name a key of its own. Compare these
          letters with the key that you were given in another way, for example on paper or from the file{' '}
          <code>log.vkey</code>.
        </p>
        <pre className="json">{result.state === 'verified' ? result.key.text : ''}</pre>
      </Dialog>
    </div>
  );
}

function Verdict({ look, title, words }: { look: 'good' | 'bad' | 'none'; title: string; words: string }) {
  return (
    <div className={`verdict ${look}`} role="status">
      <Icon name={look === 'good' ? 'seal' : look === 'bad' ? 'warn' : 'help'} size={20} />
      <div>
        <strong>{title}</strong>
        <div>{words}</div>
      </div>
    </div>
  );
}

function Step({ title, children }: { title: string; children: React.ReactNode }) {
  return (
    <li>
      <Icon name="check" size={14} />
      <strong>{title}</strong>
      <span>{children}</span>
    </li>
  );
}
