// A terminal in the browser on a real sshd: two commands, a file each way, the end; then its recording: seek, search, jump.
import { readFileSync } from 'node:fs';
import { check, journey, url } from './browser.mjs';
import { ask, enter } from './person.mjs';

const { LODGE_USER: user, LODGE_INVITE: invite, LODGE_LOGIN: login, LODGE_FOLDER: folder } = process.env;

await journey(async (page, step) => {
  await enter(page, user, invite);

  step('a target is chosen');
  await page.getByRole('link', { name: 'Terminal', exact: true }).click();
  await page.getByRole('link', { name: `Open ${login}@web-1` }).click();
  await page.getByText('recorded like any session').waitFor();
  const shown = page.locator('.terminal-box .xterm-rows');
  const shows = (words) =>
    page.waitForFunction(
      ([words]) => document.querySelector('.xterm-rows')?.textContent.includes(words),
      [words],
      { timeout: 20_000 },
    );

  step('two commands');
  await page.keyboard.type('echo "the answer is $((6 * 7))"; printf "\\033[38;2;10;200;30mtrue colour\\033[0m\\n"\n');
  await shows('the answer is 42');
  await shows('true colour');
  const before = await page.evaluate(() => document.querySelector('.xterm-rows').children.length);
  await page.setViewportSize({ width: 1100, height: 700 });
  await page.waitForFunction((before) => document.querySelector('.xterm-rows').children.length !== before, before);
  await page.keyboard.type('echo "columns: $COLUMNS"; stty size | sed "s/^/size: /"\n');
  await shows('size: ');
  const rows = await page.evaluate(() => document.querySelector('.xterm-rows').children.length);
  await shows(`size: ${rows} `);

  step('a paste of several lines is asked about');
  await page.keyboard.type('bind "set enable-bracketed-paste off"\n');
  await page.keyboard.type('PS1="ready> "\n');
  await shows('ready> ');
  await page.evaluate(() => {
    const data = new DataTransfer();
    data.setData('text/plain', 'echo pasted one\necho pasted two\n');
    const paste = new ClipboardEvent('paste', { clipboardData: data, bubbles: true, cancelable: true });
    document.querySelector('.xterm-helper-textarea').dispatchEvent(paste);
  });
  const asked = page.getByRole('dialog', { name: 'Paste 2 lines?' });
  await asked.waitFor();
  await asked.getByRole('button', { name: 'Do not paste' }).click();
  check(!(await shown.innerText()).includes('pasted one'), 'nothing was pasted unasked');

  step('files go over, and come back');
  await page.getByRole('button', { name: 'Files', exact: true }).click();
  const files = page.getByRole('complementary', { name: 'Files' });
  await files.getByRole('button', { name: /^(Fetch|Open) / }).first().waitFor();
  const chooser = files.locator('input[type=file]');
  await chooser.setInputFiles({ name: `${folder}.txt`, mimeType: 'text/plain', buffer: Buffer.from('sent from a page\n') });
  await files.getByRole('button', { name: `Fetch ${folder}.txt` }).waitFor();
  await chooser.setInputFiles({ name: `${folder}.txt`, mimeType: 'text/plain', buffer: Buffer.from('sent again\n') });
  await Promise.all([
    page.waitForResponse((answer) => answer.url().includes('overwrite=true') && answer.ok()),
    page.getByRole('dialog', { name: `Replace ${folder}.txt?` }).getByRole('button', { name: 'Replace' }).click(),
  ]);
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    files.getByRole('button', { name: `Fetch ${folder}.txt` }).click(),
  ]);
  check(readFileSync(await download.path(), 'utf8') === 'sent again\n', 'the file came back as it was sent');
  await page.locator('.terminal-box').click();
  await page.keyboard.type(`rm ${folder}.txt\n`);

  step('leaving is asked about');
  await page.getByRole('link', { name: 'Overview', exact: true }).click();
  await page.getByRole('dialog', { name: 'Leave the terminal?' }).getByRole('button', { name: 'Stay' }).click();

  step('the end');
  await page.locator('.terminal-box').click();
  await page.keyboard.type('exit 3\n');
  await page.getByText('ended with 3').waitFor();
  await page.getByRole('button', { name: 'Connect again' }).waitFor();
  await page.getByRole('link', { name: 'Open the recording' }).click();

  step('the recording holds it');
  await page.getByText('matches the log’s root').waitFor();
  const at = () => page.getByRole('slider', { name: 'Moment' }).inputValue().then(Number);
  const screen = page.locator('.screen');
  step('seek');
  await page.getByRole('slider', { name: 'Moment' }).focus();
  await page.keyboard.press('End');
  // What is typed before the shell asks for it is shown twice.
  await screen.getByText('exit 3').first().waitFor();
  step('search and jump');
  await page.getByRole('searchbox', { name: 'Search in what was shown' }).fill('answer is 42');
  const end = await at();
  await page.locator('.find li button').first().click();
  check((await at()) < end, 'the jump went back');
  await screen.getByText('the answer is 42').first().waitFor();
  check(!(await screen.innerText()).includes('exit 3'), 'what came later is not shown yet');
  await page.waitForURL((there) => there.searchParams.has('t'));
  step('a link with a moment leads there');
  const link = new URL(page.url());
  link.searchParams.set('t', '0');
  await page.goto(link.href);
  await page.getByText('matches the log’s root').waitFor();
  check((await at()) < 1000, 'it begins where the link says');

  step('refusals are told in the gate’s words');
  await page.goto(`${url}/terminal?target=web-1&login=nobody`);
  await page.getByText(/ended: access denied: you may not log in to `web-1` as `nobody`/).waitFor();
  const refused = await ask(page, 'GET', '/v1/console/files?target=web-1&login=nobody&path=');
  check(refused.status === 403, `files of another account: ${refused.status}`);

  step('signing out ends a terminal');
  await page.goto(`${url}/terminal?target=web-1&login=${login}`);
  await page.getByText('recorded like any session').waitFor();
  check((await ask(page, 'POST', '/v1/console/logout')).status === 204, 'signed out');
  await page.getByText('ended: session ended: the login has ended').waitFor();
});
