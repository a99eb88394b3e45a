import { keepPreviousData, useInfiniteQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { answer, api } from '../../api/client.ts';
import { mistakeIn } from '../../explorer/filter/mistake.ts';
import { SearchBox } from '../../explorer/SearchBox.tsx';
import { toSeconds } from '../../player/film.ts';
import { Button } from '../../ui/Button.tsx';
import { plural } from '../../ui/figures.ts';
import { Empty, Failed, Loading, Refreshing } from '../../ui/states.tsx';
import { span, Time } from '../../ui/time.tsx';

const PAGE = 200;

/** The server cuts a moment to its millisecond; by the next one the line is shown. */
const shownBy = (at: number) => toSeconds(at + 1);

/** Searches what terminals showed and commands wrote; a line leads to its moment in the recording. */
export function Screens({ text, onSearch }: { text: string; onSearch: (text: string) => void }) {
  const query = useInfiniteQuery({
    queryKey: ['screens', text],
    queryFn: ({ pageParam, signal }) =>
      answer(api.GET('/v1/recordings/search', { params: { query: { text, limit: PAGE, cursor: pageParam } }, signal })),
    initialPageParam: null as string | null,
    getNextPageParam: (last) => last.next ?? null,
    placeholderData: keepPreviousData,
    enabled: text !== '',
    retry: false,
  });
  const lines = (query.data?.pages ?? []).flatMap((page) => page.lines);
  const searched = query.data?.pages.reduce((sum, page) => sum + page.sessions_searched, 0) ?? 0;
  const pages = query.data?.pages ?? [];
  const more = pages.flatMap((page) => page.more_in ?? []);
  const damaged = pages.flatMap((page) => page.damaged ?? []);
  const mistake = mistakeIn(text, query.error);
  return (
    <>
      <div className="bar">
        <SearchBox label="Words that were shown" value={text} mistake={mistake} onSearch={onSearch} />
      </div>
      <div className="sessions">
        <Refreshing when={query.isFetching} />
        {query.isError && !mistake && <Failed error={query.error} retry={() => void query.refetch()} />}
        {text === '' && (
          <Empty title="Search what was shown">
            <p>
              Words, phrases in quotes, <code>and</code>, <code>or</code>, <code>not</code>, asked of each line that a
              terminal showed. Recordings that are searched count as watched, and the log says so.
            </p>
          </Empty>
        )}
        {text !== '' && query.isPending && !query.isError && <Loading />}
        {text !== '' && query.isSuccess && (
          <p className="muted pad" role="status">
            {plural(lines.length, 'line')} in {plural(searched, 'session')} that were searched
          </p>
        )}
        <Sessions ids={more} text="Only the first lines are shown of" />
        <Sessions ids={damaged} text="Damaged, and not searched:" bad />
        {lines.length > 0 && (
          <ol className="screenlines">
            {lines.map((line, at) => {
              const first = lines[at - 1]?.session !== line.session;
              return (
                // biome-ignore lint/suspicious/noArrayIndexKey: a line may be shown twice at one moment.
                <li key={at}>
                  {first && (
                    <h3>
                      {line.user} as {line.login}@{line.target}, <Time at={line.started} />
                    </h3>
                  )}
                  <Link to="/sessions/$id" params={{ id: line.session }} search={{ t: shownBy(line.at_ms) }}>
                    <span className="num muted">{span(line.at_ms)}</span>
                    <code className="clip">{line.text}</code>
                  </Link>
                </li>
              );
            })}
          </ol>
        )}
        {query.hasNextPage && (
          <div className="more">
            <Button
              disabled={query.isFetchingNextPage && 'They are being fetched'}
              onClick={() => void query.fetchNextPage()}
            >
              Go on searching
            </Button>
          </div>
        )}
      </div>
    </>
  );
}

/** Names sessions of which the answer is not whole. */
function Sessions({ ids, text, bad = false }: { ids: string[]; text: string; bad?: boolean }) {
  if (ids.length === 0) return null;
  return (
    <p className={bad ? 'banner bad' : 'banner'} role="status">
      <span>
        {text}{' '}
        {ids.map((id, at) => (
          <span key={id}>
            {at > 0 && ', '}
            <Link to="/sessions/$id" params={{ id }} search={{}} className="mono">
              {id}
            </Link>
          </span>
        ))}
      </span>
    </p>
  );
}
