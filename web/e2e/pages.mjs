// Every page of the console, as somebody who may do everything sees it: light and dark, wide and narrow. None has a serious
// finding of axe-core, and none scrolls sideways. With LODGE_PICTURES set, each is kept as a picture.
import { mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { check, journey, url } from './browser.mjs';
import { ask, enter } from './person.mjs';

const { LODGE_USER, LODGE_INVITE, LODGE_LOGIN, LODGE_SINCE, LODGE_UNTIL, LODGE_PICTURES } = process.env;
const SIZES = { wide: { width: 1440, height: 900 }, narrow: { width: 390, height: 844 } };
const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** What axe-core finds on the page that keeps somebody from using it. */
async function findings(page) {
  await page.evaluate(`${AXE}; undefined`);
  const found = await page.evaluate(() =>
    globalThis.axe.run(document, { resultTypes: ['violations'], rules: { 'color-contrast': { enabled: true } } }),
  );
  const serious = found.violations.filter(({ impact }) => impact === 'serious' || impact === 'critical');
  return serious.flatMap(({ id, impact, nodes }) =>
    nodes.slice(0, 3).map((node) => `${impact} ${id}: ${node.target.join(' ')}: ${node.html.slice(0, 160)}`),
  );
}

await journey(async (page, step) => {
  const faults = [];
  const look = async (name, arrange) => {
    step(name);
    for (const [size, viewport] of Object.entries(SIZES)) {
      await page.setViewportSize(viewport);
      await arrange();
      for (const colorScheme of ['light', 'dark']) {
        await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
        await page.waitForTimeout(300);
        const at = `${name}, ${size}, ${colorScheme}`;
        faults.push(...(await findings(page)).map((finding) => `${at}: ${finding}`));
        const over = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
        if (over > 0) faults.push(`${at}: the page is ${over} px wider than the window`);
        if (!LODGE_PICTURES) continue;
        mkdirSync(LODGE_PICTURES, { recursive: true });
        await page.screenshot({ path: `${LODGE_PICTURES}/${name}-${size}-${colorScheme}.png` });
      }
    }
  };
  const open = (path, wait) => async () => {
    await page.goto(`${url}${path}`);
    await wait(page).first().waitFor();
    // A page that follows something is never idle.
    await page.waitForLoadState('networkidle', { timeout: 1500 }).catch(() => {});
  };
  const heading = (name) => (page) => page.getByRole('heading', { name });
  const text = (words) => (page) => page.getByText(words);
  const button = (name) => (page) => page.getByRole('button', { name });

  await look('login', open('/login', (page) => page.getByLabel('Password')));
  await look('invite', open(new URL(LODGE_INVITE).pathname, (page) => page.getByLabel('New password')));
  await enter(page, LODGE_USER, LODGE_INVITE);

  const until = LODGE_UNTIL ? { until: LODGE_UNTIL } : {};
  const range = new URLSearchParams({ since: LODGE_SINCE ?? 'now-24h', ...until });
  await look('overview', open('/', heading('Overview')));
  await look('events', open(`/events?${range}`, button(/^Open /)));
  await look('event', async () => {
    await open(`/events?${range}`, button(/^Open /))();
    await page.getByRole('button', { name: /^Open / }).nth(2).click();
    await page.getByRole('tab', { name: 'Proof' }).click();
    await page.getByText('Verified in this browser').waitFor();
  });
  await look('events-nothing', open('/events?q=kind%3A%20nothing.at_all', text(/No event|Nothing/)));
  await look('events-mistake', open('/events?q=kind%3A%20(', (page) => page.getByRole('searchbox').or(page.getByRole('combobox'))));
  await look('sql', open('/events/sql', (page) => page.getByRole('textbox')));
  await look('sessions', open('/sessions', (page) => page.getByRole('table')));
  await look('sessions-shown', open('/sessions?view=screens&q=colormatic', text('searched')));
  const sessions = JSON.parse((await ask(page, 'GET', '/v1/sessions?limit=50')).body).sessions;
  const past = sessions.find((session) => session.ended && session.recording_root && session.bytes_out > 200);
  check(past, 'there is a session that has ended');
  await look('session', open(`/sessions/${past.id}?t=60`, text('matches the log’s root')));
  const live = sessions.find((session) => !session.ended);
  if (live) {
    await look('session-live', open(`/sessions/${live.id}`, text('This session still runs')));
    await look('session-watched', open(`/sessions/${live.id}?watch=true`, text('Stop watching')));
  }
  await look('targets-to-open', open('/terminal', heading('Terminal')));
  for (const part of ['targets', 'users', 'roles', 'locks', 'authorities'])
    await look(part, open(`/access/${part}`, (page) => page.getByRole('table').or(page.getByRole('heading'))));
  await look('explain', open(`/access/explain?user=ada&target=web-1&login=${LODGE_LOGIN}`, text('web-1')));
  await look('role-edited', async () => {
    await open('/access/roles', button('New role'))();
    await page.getByRole('button', { name: 'New role' }).click();
    await page.getByRole('textbox', { name: 'Document, YAML' }).waitFor();
  });
  await look('help', async () => {
    await open('/', heading('Overview'))();
    await page.keyboard.press('?');
    await page.getByRole('dialog').waitFor();
  });
  await look('commands', async () => {
    await open('/', heading('Overview'))();
    await page.keyboard.press('Control+k');
    await page.getByRole('combobox', { name: /Command/ }).waitFor();
  });
  // An open terminal asks before it is left.
  page.on('dialog', (dialog) => void dialog.accept().catch(() => {}));
  await look('terminal', async () => {
    await open(`/terminal?target=web-1&login=${LODGE_LOGIN}`, text('recorded like any session'))();
    await page.keyboard.type('uname -sr\n');
    await page.waitForTimeout(700);
  });
  check(faults.length === 0, `the pages have faults:\n${[...new Set(faults)].join('\n')}`);
});
