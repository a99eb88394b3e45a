/** Answers as the server gives them. */

import { HttpResponse } from 'msw';

export function problem(status: number, code: string, detail: string) {
  const body = {
    type: `https://lodge.dev/problems/${code}`,
    title: code,
    status,
    code,
    detail,
    request_id: '01hzx8mock',
  };
  return HttpResponse.json(body, { status, headers: { 'Content-Type': 'application/problem+json' } });
}

export const json = (body: unknown, status = 200) => HttpResponse.json(body as object, { status });
