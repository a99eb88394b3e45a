/** What the mock server answers; a list for each part of the API. */

import { accessHandlers } from './access.ts';
import { consoleHandlers } from './console.ts';
import { inviteHandlers } from './invites.ts';
import { searchHandlers } from './search.ts';
import { sessionHandlers } from './session-handlers.ts';
import { statusHandlers } from './status.ts';
import { terminalHandlers } from './terminal.ts';

export const handlers = [
  ...consoleHandlers,
  ...inviteHandlers,
  ...searchHandlers,
  ...sessionHandlers,
  ...statusHandlers,
  ...terminalHandlers,
  ...accessHandlers,
];
