import { useMutation, useQuery } from '@tanstack/react-query';
import { answer, api } from '../../api/client.ts';
import { shown } from '../../api/problem.ts';
import { openCheckpoint } from '../../proof/checkpoint.ts';
import { parseKey } from '../../proof/key.ts';
import { pin, remember } from '../../proof/keyring.ts';
import { Button } from '../../ui/Button.tsx';
import { bytes, count, plural } from '../../ui/figures.ts';
import { Icon } from '../../ui/Icon.tsx';
import { Time } from '../../ui/time.tsx';

async function checkedCheckpoint(signal: AbortSignal) {
  const [newest, trust] = await Promise.all([
    answer(api.GET('/v1/log/checkpoint', { signal })),
    answer(api.GET('/v1/trust', { signal })),
  ]);
  const checkpoint = await openCheckpoint(newest.note, await parseKey(pin(trust.log_key).text));
  remember(checkpoint);
  return checkpoint;
}

/** The log itself: its checkpoint, checked here; its archive; and the order to verify every byte where it lies. */
export function LogCard({ state }: { state: string }) {
  const checkpoint = useQuery({
    queryKey: ['overview', 'checkpoint'],
    queryFn: ({ signal }) => checkedCheckpoint(signal),
    refetchInterval: 60_000,
    retry: false,
  });
  const archive = useQuery({
    queryKey: ['overview', 'archive'],
    queryFn: ({ signal }) => answer(api.GET('/v1/archive', { signal })),
    refetchInterval: 60_000,
    retry: false,
  });
  const verify = useMutation({ mutationFn: () => answer(api.POST('/v1/log/verify')) });
  return (
    <section className="card">
      <header>
        <h2 className="grow">The log</h2>
        <Button
          disabled={verify.isPending && 'Every byte is being read; this may take minutes'}
          onClick={() => verify.mutate()}
        >
          {verify.isPending ? 'Verifying …' : 'Verify every byte'}
        </Button>
      </header>
      <div className="body stack">
        {verify.isError && (
          <div className="banner bad" role="alert">
            The log was not verified. {shown(verify.error).message}
          </div>
        )}
        {verify.data &&
          (verify.data.damage.length === 0 ? (
            <div className="banner good" role="status">
              The server verified {count(verify.data.entries)} entries against the checkpoint of{' '}
              {count(verify.data.tree_size)}: no damage.
            </div>
          ) : (
            <div className="banner bad" role="alert">
              {verify.data.damage.join('; ')}
            </div>
          ))}
        <dl className="facts">
          <dt>State</dt>
          <dd>{state}</dd>
          <dt>Checkpoint</dt>
          <dd>
            {checkpoint.data ? (
              <>
                {count(Number(checkpoint.data.size))} entries{' '}
                <span
                  className="badge good"
                  title="The signature was checked in this browser, with the key that it has pinned."
                >
                  <Icon name="seal" size={13} /> signature checked here
                </span>
              </>
            ) : checkpoint.isError ? (
              <span className="badge bad">{shown(checkpoint.error).message}</span>
            ) : (
              '…'
            )}
          </dd>
          <dt>Archive</dt>
          <dd>
            {archive.data ? (
              <>
                {plural(archive.data.segments, 'segment')}, {bytes(archive.data.data_bytes)} and{' '}
                {bytes(archive.data.index_bytes)} of indexes
                {archive.data.newest && (
                  <>
                    , newest <Time at={archive.data.newest} as="ago" />
                  </>
                )}
              </>
            ) : archive.isError ? (
              <span className="muted">{shown(archive.error).message}</span>
            ) : (
              '…'
            )}
          </dd>
          {archive.data?.failure && (
            <>
              <dt>Failing</dt>
              <dd className="wrong">{archive.data.failure}</dd>
            </>
          )}
          {(archive.data?.damaged.length ?? 0) > 0 && (
            <>
              <dt>Damaged</dt>
              <dd className="wrong">{archive.data?.damaged.join(', ')}</dd>
            </>
          )}
        </dl>
      </div>
    </section>
  );
}
