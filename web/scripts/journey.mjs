// Walks through the console with a browser, under the page's real policy and with the mock: `npm run build:mock && npm run journey`.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { chromium } from 'playwright-core';
import { serve } from './serve.mjs';

const server = await serve('dist-mock');
const address = `http://127.0.0.1:${server.address().port}`;
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: [
    '--no-sandbox',
    '--disable-gpu',
    '--disable-background-networking',
    '--disable-sync',
    '--disable-component-update',
  ],
});

const questionOf = (page) => new URL(page.url()).searchParams.get('q');
const rows = (page) => page.locator('.eventline');

const journeys = {
  async 'signing in, and out again'(page) {
    await page.goto(`${address}/access/users`);
    await page.getByRole('button', { name: 'alice', exact: true }).click();
    await page.getByText('Sign out').click();
    await page.getByLabel('Name').fill('bob');
    await page.getByLabel('Password').fill('correct horse');
    await page.getByLabel('Code').fill('000000');
    await page.keyboard.press('Enter');
    await page.getByRole('alert').getByText('is wrong').waitFor();
    await page.getByLabel('Code').fill('123456');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Overview' }).waitFor();
  },

  async 'a page asked for before signing in is there after it'(page) {
    await page.goto(address);
    await page.evaluate(() => localStorage.setItem('lodge.mock.user', ''));
    await page.goto(`${address}/access/locks`);
    await page.getByLabel('Name').fill('alice');
    await page.getByLabel('Password').fill('x');
    await page.getByLabel('Code').fill('123456');
    await page.keyboard.press('Enter');
    await page.getByText('incident-42').waitFor();
  },

  async 'a question is typed, completed and asked by the keyboard alone'(page) {
    await page.goto(`${address}/events`);
    await rows(page).first().waitFor();
    await page.keyboard.press('/');
    await page.keyboard.type('actor.us');
    await page.keyboard.press('Tab');
    await page.keyboard.type('mal');
    await page.getByRole('option', { name: 'mallory' }).waitFor();
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await page.waitForURL(/mallory/);
    assert.equal(questionOf(page), 'actor.user: mallory');
    await page.keyboard.press('Escape');
    await page.keyboard.press('Escape');
    await page.keyboard.press('j');
    await page.keyboard.press('Enter');
    await page.getByRole('tab', { name: 'Facts' }).waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('tab', { name: 'Facts' }).waitFor({ state: 'detached' });
  },

  async 'values are included and left out by a click'(page) {
    await page.goto(`${address}/events`);
    await page.locator('.fields .value', { hasText: 'session.command' }).click();
    await page.waitForURL(/session\.command/);
    const bob = page.locator('.fields .top li', { hasText: 'bob' });
    await bob.hover();
    await bob.getByLabel('Leave out actor.user: bob').click();
    await page.waitForURL(/not/);
    assert.equal(questionOf(page), 'kind: session.command and not actor.user: bob');
  },

  async 'dragging over the histogram asks for that range'(page) {
    await page.goto(`${address}/events`);
    const box = await page.locator('.u-over').boundingBox();
    await page.mouse.move(box.x + 60, box.y + 20);
    await page.mouse.down();
    await page.mouse.move(box.x + 200, box.y + 20, { steps: 5 });
    await page.mouse.up();
    await page.waitForURL(/until=/);
  },

  async 'a row is proved here, and is red when it shows something else'(page) {
    await page.goto(`${address}/events?q=kind: user.login&part=proof`);
    await rows(page).first().click();
    await page.getByText('Verified in this browser').waitFor();
    await page.evaluate(() =>
      localStorage.setItem(
        'lodge.proof.key',
        JSON.stringify({ text: 'another', since: '2026-01-01', confirmed: true }),
      ),
    );
    await page.getByText('Check again').click();
    await page.getByText('This does not verify').waitFor();
    assert.equal(await page.getByText('Verified in this browser').count(), 0);
  },

  async 'an evidence bundle is verified before it is saved'(page) {
    await page.goto(`${address}/events`);
    await page.getByRole('button', { name: 'Export', exact: true }).click();
    await page.getByText('Evidence bundle').click();
    await page.getByLabel('From position').fill('5');
    await page.getByLabel('To (not included)').fill('9');
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByText('Fetch, verify and save').click(),
    ]);
    assert.equal(download.suggestedFilename(), 'evidence-5-9.ndjson');
    assert.equal(
      readFileSync(await download.path(), 'utf8')
        .trimEnd()
        .split('\n').length,
      5,
    );
  },

  async 'live events come, and wait while a row is open'(page) {
    await page.goto(`${address}/events?live=true`);
    await page.getByText(/^\d+ new$/).waitFor();
    await rows(page).nth(3).click();
    await page.getByText(/^show \d+ more$/).click();
    await page.getByRole('tab', { name: 'Facts' }).waitFor({ state: 'detached' });
  },

  async 'a recording is checked, played and searched'(page) {
    await page.goto(`${address}/sessions`);
    await page.locator('tbody tr', { hasNotText: 'live' }).first().locator('a').click();
    await page.getByText('matches the log’s root').waitFor();
    await page.locator('.screen').getByText('Last login').waitFor();
    await page.keyboard.press('/');
    await page.keyboard.type('logout');
    await page.locator('.find button').first().click();
    await page.waitForURL(/t=\d+/);
    await page.locator('.screen').getByText('logout').waitFor();
    assert.notEqual(await page.title(), 'web-1', 'a recording must not set the title');
  },

  async 'a role is changed after its changes were shown'(page) {
    await page.goto(`${address}/access/roles`);
    await page.getByRole('button', { name: 'developer', exact: true }).click();
    const text = page.getByLabel('Document, YAML');
    await text.fill((await text.inputValue()).replace('4h', '2h'));
    await page.getByText('Show what changes').click();
    assert.match(await page.locator('.diff .plus').textContent(), /session_ttl: 2h/);
    await page.getByRole('button', { name: 'Apply' }).click();
    await page.locator('tr', { hasText: 'developer' }).getByText('session_ttl 2h').waitFor();
  },

  async 'a button that cannot be pressed says why, to everybody'(page) {
    await page.goto(`${address}/access/locks`);
    await page.getByRole('button', { name: 'Lock …' }).click();
    const cut = page.getByRole('button', { name: 'Cut off now' });
    assert.equal(await cut.getAttribute('aria-description'), 'Name the user first');
    await cut.focus();
    await page.keyboard.press('Shift+Tab');
    await page.keyboard.press('Tab');
    await page.getByRole('tooltip').getByText('Name the user first').waitFor();
  },
};

let failed = 0;
for (const [name, walk] of Object.entries(journeys)) {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, acceptDownloads: true });
  const page = await context.newPage();
  page.setDefaultTimeout(8000);
  const complaints = [];
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on(
    'console',
    (message) => /Content Security Policy|Uncaught/.test(message.text()) && complaints.push(message.text()),
  );
  try {
    await walk(page);
    assert.deepEqual(complaints, []);
    console.log(`ok      ${name}`);
  } catch (error) {
    failed += 1;
    console.log(`FAILED  ${name}\n        ${error.message.split('\n').slice(0, 6).join('\n        ')}`);
  }
  await context.close();
}
await browser.close();
server.close();
process.exitCode = failed ? 1 : 0;
