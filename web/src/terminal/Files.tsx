/** Files on a target, over SFTP: folders to walk, files to fetch and to send. Each is a session of its own in the log. */

import { useQuery } from '@tanstack/react-query';
import { useRef, useState } from 'react';
import { answer, api, fetchRaw, type Schemas } from '../api/client.ts';
import { LodgeError } from '../api/problem.ts';
import { download } from '../explorer/download.ts';
import { Button } from '../ui/Button.tsx';
import { Dialog } from '../ui/Dialog.tsx';
import { bytes } from '../ui/figures.ts';
import { Icon } from '../ui/Icon.tsx';
import { Empty, Failed, Loading, Refreshing } from '../ui/states.tsx';
import { complain, say } from '../ui/toast.tsx';
import type { Place } from './socket.ts';

type Entry = Schemas['RemoteEntry'];

const under = (folder: string, name: string) => (folder.endsWith('/') ? `${folder}${name}` : `${folder}/${name}`);
const above = (folder: string) => folder.replace(/\/[^/]*\/?$/, '') || '/';
const order = (a: Entry, b: Entry) =>
  Number(b.kind === 'folder') - Number(a.kind === 'folder') || a.name.localeCompare(b.name);

export function Files({ place, onClose }: { place: Place; onClose: () => void }) {
  const [path, setPath] = useState('');
  const [busy, setBusy] = useState<string | null>(null);
  const [over, setOver] = useState(false);
  const [again, setAgain] = useState<File | null>(null);
  const chooser = useRef<HTMLInputElement>(null);
  const query = useQuery({
    queryKey: ['files', place.target, place.login, path],
    queryFn: ({ signal }) => answer(api.GET('/v1/console/files', { params: { query: { ...place, path } }, signal })),
    retry: false,
    staleTime: Number.POSITIVE_INFINITY,
  });
  const folder = query.data?.path ?? path;
  const address = (name: string) => `/v1/console/file?${new URLSearchParams({ ...place, path: under(folder, name) })}`;

  const fetchFile = async (name: string) => {
    setBusy(`Fetching ${name}`);
    try {
      download(name, await (await fetchRaw(address(name))).blob(), 'application/octet-stream');
    } catch (error) {
      complain(`${name} was not fetched`, error);
    }
    setBusy(null);
  };
  const send = async (file: File, overwrite = false) => {
    setBusy(`Sending ${file.name}`);
    try {
      await fetchRaw(`${address(file.name)}&overwrite=${overwrite}`, { method: 'PUT', body: file });
      say(`${file.name} is on ${place.target}`);
      await query.refetch();
    } catch (error) {
      if (error instanceof LodgeError && error.code === 'exists') setAgain(file);
      else complain(`${file.name} was not sent`, error);
    }
    setBusy(null);
  };
  const sendAll = async (files: Iterable<File>) => {
    for (const file of files) await send(file);
  };

  return (
    <aside
      className={`files ${over ? 'over' : ''}`}
      aria-label="Files"
      onDragOver={(event) => {
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={(event) => {
        event.preventDefault();
        setOver(false);
        if (query.data) void sendAll([...event.dataTransfer.files]);
      }}
    >
      <div className="row pad">
        <h2 className="grow clip mono" title={folder}>
          {folder || '~'}
        </h2>
        <Button look="quiet" label="Look again" onClick={() => void query.refetch()}>
          <Icon name="again" />
        </Button>
        <Button look="quiet" label="Close the files" onClick={onClose}>
          <Icon name="close" />
        </Button>
      </div>
      <div className="list relative">
        <Refreshing when={query.isFetching} />
        {query.isError && (
          <>
            <Failed error={query.error} retry={() => void query.refetch()} />
            {path && (
              <div className="pad">
                <Button onClick={() => setPath('')}>To the home folder</Button>
              </div>
            )}
          </>
        )}
        {query.isPending && !query.isError && <Loading rows={6} />}
        {query.data && (
          <ul>
            {folder !== '/' && (
              <li>
                <button type="button" onClick={() => setPath(above(folder))}>
                  <span className="grow">..</span>
                </button>
              </li>
            )}
            {query.data.entries.toSorted(order).map((entry) => (
              <li key={entry.name}>
                <button
                  type="button"
                  onClick={() =>
                    entry.kind === 'folder' ? setPath(under(folder, entry.name)) : void fetchFile(entry.name)
                  }
                  aria-label={entry.kind === 'folder' ? `Open ${entry.name}` : `Fetch ${entry.name}`}
                >
                  <span className="grow clip">
                    {entry.name}
                    {entry.kind === 'folder' ? '/' : ''}
                  </span>
                  {entry.kind === 'file' && <span className="num muted">{bytes(entry.bytes)}</span>}
                </button>
              </li>
            ))}
          </ul>
        )}
        {query.data?.entries.length === 0 && <Empty title="This folder is empty" />}
        {query.data && !query.data.is_whole && <p className="muted pad">There is more in this folder than is shown.</p>}
      </div>
      <div className="row pad">
        <span className="muted grow clip" role="status">
          {busy ?? 'Drop files here to send them'}
        </span>
        <input
          ref={chooser}
          type="file"
          multiple
          hidden
          aria-label="Files to send"
          onChange={(event) => {
            if (query.data) void sendAll([...(event.target.files ?? [])]);
            event.target.value = '';
          }}
        />
        <Button
          disabled={busy ?? (!query.data && 'The folder is being looked at')}
          onClick={() => chooser.current?.click()}
        >
          Send files …
        </Button>
      </div>
      {again && (
        <Dialog
          open
          onClose={() => setAgain(null)}
          title={`Replace ${again.name}?`}
          footer={
            <>
              <Button onClick={() => setAgain(null)}>Keep what is there</Button>
              <Button
                look="danger"
                onClick={() => {
                  setAgain(null);
                  void send(again, true);
                }}
              >
                Replace
              </Button>
            </>
          }
        >
          <p>
            <code>{folder}</code> on <strong>{place.target}</strong> has a file of this name.
          </p>
        </Dialog>
      )}
    </aside>
  );
}
