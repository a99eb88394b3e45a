import { answer, api } from '../api/client.ts';

/** Which targets the reader reaches, and under which accounts. */
export const reachableQuery = {
  queryKey: ['reachable'],
  queryFn: ({ signal }: { signal: AbortSignal }) => answer(api.GET('/v1/targets/reachable', { signal })),
};
