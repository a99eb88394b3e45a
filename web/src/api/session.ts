/** Who is signed in, for the pages. */

import { QueryClient, queryOptions, useQuery } from '@tanstack/react-query';
import { readSession } from './console.ts';
import { LodgeError } from './problem.ts';

export const queries = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 15_000,
      refetchOnWindowFocus: false,
      // What the server has refused it refuses again; only a lost connection is worth another try.
      retry: (failures, error) =>
        failures < 2 && error instanceof LodgeError && (error.status === 0 || error.status === 503),
    },
  },
});

export const sessionQuery = queryOptions({
  queryKey: ['console', 'session'],
  queryFn: ({ signal }) => readSession(signal),
  staleTime: 60_000,
});

export const useSession = () => useQuery(sessionQuery);

/** Says why the reader may not do something; false where they may. The server decides anew when it is done. */
export function useRefused(): (operation: string) => string | false {
  const { data } = useSession();
  return (operation) => !!data && !data.may.includes(operation) && `Your roles do not allow this (${operation})`;
}

/** Forgets everything that was fetched: the next reader may be another one. */
export function forgetSession() {
  queries.clear();
  queries.setQueryData(sessionQuery.queryKey, null);
}
