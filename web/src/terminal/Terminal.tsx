/** A terminal on a target: SSH through the same gate as from anywhere, recorded in the same way. */

import { FitAddon } from '@xterm/addon-fit';
import { Terminal as Xterm } from '@xterm/xterm';
import '@xterm/xterm/css/xterm.css';
import { Link, useBlocker, useSearch } from '@tanstack/react-router';
import { useCallback, useEffect, useRef, useState } from 'react';
import { readSession } from '../api/console.ts';
import { forgetSession } from '../api/session.ts';
import { Button } from '../ui/Button.tsx';
import { Dialog } from '../ui/Dialog.tsx';
import { plural } from '../ui/figures.ts';
import { Icon } from '../ui/Icon.tsx';
import { Files } from './Files.tsx';
import { withoutInlineStyle } from './sheets.ts';
import { type Ended, type Place, TerminalSocket } from './socket.ts';
import { Targets } from './Targets.tsx';
import './terminal.css';

type State =
  | { is: 'opening' }
  | { is: 'open' }
  | { is: 'ended'; end: Ended }
  /** The connection broke off, or the server did not take it. */
  | { is: 'lost' };

const THEME = { background: '#12151a', foreground: '#dfe3e8', cursor: '#dfe3e8', selectionBackground: '#3d4a63' };

export default function TerminalPage() {
  const { target, login } = useSearch({ from: '/shell/terminal' });
  if (!target || !login) return <Targets />;
  return <Seat key={`${login}@${target}`} place={{ target, login }} />;
}

function Seat({ place }: { place: Place }) {
  const box = useRef<HTMLDivElement>(null);
  const [state, setState] = useState<State>({ is: 'opening' });
  const [session, setSession] = useState<string | null>(null);
  const [round, setRound] = useState(0);
  const [files, setFiles] = useState(false);
  const [pasted, setPasted] = useState<string | null>(null);
  const screen = useRef<Xterm | null>(null);
  const isOpen = state.is === 'open' || state.is === 'opening';

  const lost = useCallback(async () => {
    // A refused upgrade says nothing to a page, so the server is asked whether it still knows who this is.
    const known = await readSession().catch(() => undefined);
    if (known === null) forgetSession();
    setState({ is: 'lost' });
  }, []);

  // biome-ignore lint/correctness/useExhaustiveDependencies: another round is another connection.
  useEffect(() => {
    const element = box.current;
    if (!element) return;
    const terminal = new Xterm({
      fontFamily: getComputedStyle(document.body).getPropertyValue('--mono') || 'monospace',
      fontSize: 14,
      cursorBlink: false,
      scrollback: 5000,
      theme: THEME,
      // What a target prints may look like a link; nothing is opened for it.
      linkHandler: { activate: () => {} },
      screenReaderMode: true,
    });
    const fit = new FitAddon();
    terminal.loadAddon(fit);
    const restore = withoutInlineStyle();
    terminal.open(element);
    fit.fit();
    screen.current = terminal;
    setState({ is: 'opening' });
    setSession(null);
    const encoder = new TextEncoder();
    const socket = new TerminalSocket(
      place,
      { columns: terminal.cols, rows: terminal.rows },
      {
        onSession: (id) => {
          setSession(id);
          setState({ is: 'open' });
        },
        onOutput: (bytes) => terminal.write(bytes),
        onEnd: (end) => {
          terminal.options.disableStdin = true;
          if (end) setState({ is: 'ended', end });
          else void lost();
        },
      },
    );
    terminal.onData((typed) => socket.type(encoder.encode(typed)));
    terminal.onBinary((typed) => socket.type(Uint8Array.from(typed, (letter) => letter.charCodeAt(0))));
    terminal.onResize(({ cols, rows }) => socket.resize({ columns: cols, rows }));
    terminal.attachCustomKeyEventHandler((event) => keys(event, terminal));
    const askBeforeLines = (event: ClipboardEvent) => {
      const text = event.clipboardData?.getData('text/plain') ?? '';
      // A shell runs each line as it comes, unless it asked for pastes in brackets.
      if (terminal.modes.bracketedPasteMode || !/\n./.test(text.trimEnd())) return;
      event.preventDefault();
      event.stopPropagation();
      setPasted(text);
    };
    element.addEventListener('paste', askBeforeLines, true);
    const follow = new ResizeObserver(() => fit.fit());
    follow.observe(element);
    terminal.focus();
    return () => {
      follow.disconnect();
      element.removeEventListener('paste', askBeforeLines, true);
      socket.close();
      terminal.dispose();
      restore();
      screen.current = null;
    };
  }, [place.target, place.login, round, lost]);

  const leaving = useBlocker({ shouldBlockFn: () => isOpen, enableBeforeUnload: isOpen, withResolver: true });

  return (
    <div className="terminal-page">
      <header className="terminal-head">
        <h1>
          {place.login}
          <span className="muted">@</span>
          {place.target}
        </h1>
        <Standing state={state} />
        <span className="grow" />
        {session && !isOpen && (
          <Link to="/sessions/$id" params={{ id: session }} search={{}} className="button">
            <Icon name="play" /> Open the recording
          </Link>
        )}
        {!isOpen && (
          <Button look="primary" onClick={() => setRound((before) => before + 1)}>
            Connect again
          </Button>
        )}
        <Button aria-expanded={files} onClick={() => setFiles(!files)}>
          <Icon name="download" /> Files
        </Button>
      </header>
      <div className="terminal-body">
        <section className="terminal-box" ref={box} aria-label={`Terminal on ${place.target}`} />
        {files && <Files place={place} onClose={() => setFiles(false)} />}
      </div>
      {pasted !== null && (
        <Dialog
          open
          onClose={() => setPasted(null)}
          title={`Paste ${plural(pasted.trimEnd().split('\n').length, 'line')}?`}
          footer={
            <>
              <Button onClick={() => setPasted(null)}>Do not paste</Button>
              <Button
                look="primary"
                onClick={() => {
                  screen.current?.paste(pasted);
                  setPasted(null);
                  screen.current?.focus();
                }}
              >
                Paste
              </Button>
            </>
          }
        >
          <p>What runs here takes each line as it comes; a shell would run them one after the other.</p>
          <pre className="paste">{pasted}</pre>
        </Dialog>
      )}
      {leaving.status === 'blocked' && (
        <Dialog
          open
          onClose={leaving.reset}
          title="Leave the terminal?"
          footer={
            <>
              <Button onClick={leaving.reset}>Stay</Button>
              <Button look="danger" onClick={leaving.proceed}>
                Leave
              </Button>
            </>
          }
        >
          <p>The session ends, and with it what runs in it. Its recording stays.</p>
        </Dialog>
      )}
    </div>
  );
}

/** Copies and pastes with Ctrl Shift C and V, since Ctrl C belongs to the shell; says whether the terminal takes the key. */
function keys(event: KeyboardEvent, terminal: Xterm): boolean {
  if (event.type !== 'keydown' || !event.ctrlKey || !event.shiftKey) return true;
  if (event.code === 'KeyC') {
    const text = terminal.getSelection();
    if (text) void navigator.clipboard.writeText(text);
    event.preventDefault();
    return false;
  }
  // The browser pastes by itself then, and the terminal must not take it as a key.
  return event.code !== 'KeyV';
}

function Standing({ state }: { state: State }) {
  if (state.is === 'opening') return <span className="badge">connecting …</span>;
  if (state.is === 'open') return <span className="badge good">recorded like any session</span>;
  if (state.is === 'lost')
    return (
      <span className="badge bad" role="alert">
        the connection broke off
      </span>
    );
  const { why, exitCode } = state.end;
  return (
    <span className={`badge ${why || exitCode ? 'warn' : ''}`} role="status">
      ended{why ? `: ${why}` : exitCode === null ? '' : ` with ${exitCode}`}
    </span>
  );
}
