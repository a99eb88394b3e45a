/**
 * How the server is doing, asked again and again.
 *
 * Reading is an action too: each search, and each list of sessions, leaves an event. So pages that keep themselves fresh ask for
 * the status alone, which leaves none, and for the rest only when the status has changed or somebody wants it.
 */

import { useQuery } from '@tanstack/react-query';
import { answer, api } from './client.ts';

const AGAIN_MS = 5000;

export const useStatus = () =>
  useQuery({
    queryKey: ['status'],
    queryFn: ({ signal }) => answer(api.GET('/v1/status', { signal })),
    refetchInterval: AGAIN_MS,
  });
