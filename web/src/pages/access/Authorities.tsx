import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { answer, api, type Schemas } from '../../api/client.ts';
import { useRefused } from '../../api/session.ts';
import { Button } from '../../ui/Button.tsx';
import { plural } from '../../ui/figures.ts';
import { Failed, Loading } from '../../ui/states.tsx';
import { Confirm } from './Confirm.tsx';

type Authority = Schemas['Authority'];
type Step = Schemas['RotationStep'];

const FOR: Record<string, string> = {
  user: 'people; only the gate trusts it',
  host: 'host keys, of targets and of the gate',
  gate: 'Lodge’s own certificates, five minutes long, one a session; targets trust it',
  x509: 'TLS',
};

const SAYS: Record<Step, string> = {
  prepare: 'Makes the next key and publishes it, while the old one signs on.',
  overlap: 'Lets the next key sign. Both are trusted, so that nobody is cut off.',
  complete: 'Withdraws the old key. Whoever trusts only that one is cut off: targets must trust the new key by then.',
  rollback: 'Goes back to the old key and withdraws the next one.',
};

const NEXT: Record<string, Step[]> = {
  steady: ['prepare', 'overlap'],
  prepared: ['overlap', 'rollback'],
  overlapping: ['complete', 'rollback'],
};

/** Certificate authorities and their rotations. */
export function Authorities() {
  const refused = useRefused();
  const [asking, setAsking] = useState<{ authority: Authority; step: Step } | null>(null);
  const query = useQuery({
    queryKey: ['access', 'authorities'],
    queryFn: ({ signal }) => answer(api.GET('/v1/authorities', { signal })),
  });
  if (query.isError && !query.data) return <Failed error={query.error} retry={() => void query.refetch()} />;
  if (!query.data) return <Loading />;
  return (
    <>
      <div className="authorities">
        {query.data.map((authority) => (
          <section key={authority.kind} className="card">
            <header>
              <h2>{authority.kind}</h2>
              <span className={authority.phase === 'steady' ? 'badge' : 'badge warn'}>{authority.phase}</span>
              <span className="muted grow clip">{FOR[authority.kind]}</span>
              {(NEXT[authority.phase] ?? []).map((step) => (
                <Button
                  key={step}
                  disabled={refused('authorities.rotate')}
                  onClick={() => setAsking({ authority, step })}
                >
                  {step}
                </Button>
              ))}
            </header>
            <dl className="facts body">
              <dt>signs</dt>
              <dd className="mono">{authority.signing}</dd>
              <dt>trusted</dt>
              <dd>
                <details>
                  <summary>{plural(authority.trusted.length, 'key')}</summary>
                  {authority.trusted.map((key) => (
                    <pre key={key} className="json">
                      {key}
                    </pre>
                  ))}
                </details>
              </dd>
            </dl>
          </section>
        ))}
      </div>
      {asking && (
        <Confirm
          title={`${asking.step} the authority ${asking.authority.kind}?`}
          verb={asking.step}
          done={`The authority ${asking.authority.kind} took the step ${asking.step}`}
          act={() =>
            answer(
              api.POST('/v1/authorities/{kind}/rotate', {
                params: { path: { kind: asking.authority.kind } },
                body: { step: asking.step },
              }),
            )
          }
          onClose={() => setAsking(null)}
        >
          <p>{SAYS[asking.step]}</p>
        </Confirm>
      )}
    </>
  );
}
