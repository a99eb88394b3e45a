/** Looks on while a session runs: its recording, checked and drawn as it grows. */

import { useEffect, useRef, useState } from 'react';
import { fetchRaw } from '../api/client.ts';
import type { Bytes } from '../proof/bytes.ts';
import { Button } from '../ui/Button.tsx';
import { Icon } from '../ui/Icon.tsx';
import { Failed, Loading } from '../ui/states.tsx';
import { span } from '../ui/time.tsx';
import { channels, type Film, FilmMaker } from './film.ts';
import { Decoder } from './recording.ts';
import { ScreenView } from './ScreenView.tsx';
import { type Picture, Screen } from './screen.ts';

interface Props {
  session: string;
  /** Called when the session has ended and all of it was shown. */
  onEnd: () => void;
  onLeave: () => void;
}

/** What is known of a session that is watched. */
interface Seen {
  picture: Picture | null;
  at: number;
  told: boolean | null;
  damage: string | null;
}

/** Draws what comes, one picture after the other; never a second one while the first is being drawn. */
class Projector {
  readonly #decoder = new Decoder();
  #maker: FilmMaker | null = null;
  #screen: Screen | null = null;
  #taken = 0;
  #drawing: Promise<void> | null = null;

  constructor(readonly show: (picture: Picture, film: Film) => void) {}

  get damage() {
    return this.#decoder.recording.damage;
  }

  async take(bytes: Bytes) {
    await this.#decoder.take(bytes);
    const { frames } = this.#decoder.recording;
    if (frames.length === this.#taken) return;
    // A channel that showed nothing yet may give way to one with a terminal.
    if (!this.#maker?.film.pieces.length) this.#choose();
    this.#maker?.take(frames.slice(this.#taken));
    this.#taken = frames.length;
    this.#drawing ??= this.#draw().finally(() => {
      this.#drawing = null;
    });
  }

  /** Takes the channel that comes first now, from its beginning. */
  #choose() {
    const first = channels(this.#decoder.recording)[0]?.channel ?? 0;
    if (this.#maker?.channel === first) return;
    this.#screen?.dispose();
    this.#maker = new FilmMaker(first);
    this.#taken = 0;
    this.#screen = new Screen(this.#maker.film);
  }

  async #draw() {
    const [maker, screen] = [this.#maker, this.#screen];
    if (!maker || !screen) return;
    let drawn = -1;
    while (drawn < maker.film.pieces.length) {
      drawn = maker.film.pieces.length;
      this.show(await screen.show(maker.film.to), maker.film);
    }
  }

  dispose() {
    this.#screen?.dispose();
  }
}

export default function Live({ session, onEnd, onLeave }: Props) {
  const [seen, setSeen] = useState<Seen>({ picture: null, at: 0, told: null, damage: null });
  const [error, setError] = useState<unknown>(null);
  const ended = useRef(onEnd);
  ended.current = onEnd;

  useEffect(() => {
    const stop = new AbortController();
    const projector = new Projector((picture, film) => setSeen((before) => ({ ...before, picture, at: film.to })));
    const follow = async () => {
      const response = await fetchRaw(`/v1/sessions/${encodeURIComponent(session)}/watch`, { signal: stop.signal });
      setSeen((before) => ({ ...before, told: response.headers.get('lodge-watched-told') === 'true' }));
      const reader = response.body?.getReader();
      for (;;) {
        const piece = await reader?.read();
        if (!piece || piece.done) break;
        await projector.take(new Uint8Array(piece.value));
        if (projector.damage) setSeen((before) => ({ ...before, damage: projector.damage }));
      }
      ended.current();
    };
    follow().catch((cause: unknown) => {
      if (!stop.signal.aborted) setError(cause);
    });
    return () => {
      stop.abort();
      projector.dispose();
    };
  }, [session]);

  if (error) return <Failed error={error} />;
  return (
    <div className="player">
      {seen.damage && (
        <div className="banner bad" role="alert">
          What came does not follow from what came before: {seen.damage}.
        </div>
      )}
      {seen.picture ? <ScreenView picture={seen.picture} onClick={() => {}} /> : <Loading />}
      <div className="controls">
        <span className="badge good">live</span>
        <span className="num">{span(seen.at)}</span>
        <span className="muted" role="status">
          {seen.told === null
            ? 'Asking …'
            : seen.told
              ? 'The person was told that you watch.'
              : 'The person was not told that you watch.'}
        </span>
        <span className="grow" />
        <Button onClick={onLeave}>
          <Icon name="close" /> Stop watching
        </Button>
      </div>
    </div>
  );
}
