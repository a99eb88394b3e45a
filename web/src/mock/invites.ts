import { http } from 'msw';
import { json, problem } from './reply.ts';
import { pick } from './world.ts';

const LETTERS = [...'abcdefghjkmnpqrstuvwxyz23456789'];
const part = () => Array.from({ length: 4 }, () => pick(LETTERS)).join('');

export const inviteHandlers = [
  http.post('/v1/invites/begin', async ({ request }) => {
    const { token } = (await request.json()) as { token: string };
    if (token === 'spent')
      return problem(404, 'invite', 'this invite was used, or has ended; ask your administrator for a new one');
    return json({
      user: 'frank',
      totp_secret: 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP',
      totp_uri:
        'otpauth://totp/Lodge:frank?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&issuer=Lodge&algorithm=SHA1&digits=6&period=30',
    });
  }),
  http.post('/v1/invites/finish', async ({ request }) => {
    const { code } = (await request.json()) as { code: string };
    if (code !== '123456')
      return problem(
        400,
        'code',
        'this is not the code that the authenticator shows now; check the clock of the phone',
      );
    return json({
      user: 'frank',
      recovery_codes: Array.from({ length: 10 }, () => `${part()}-${part()}-${part()}-${part()}`),
    });
  }),
];
