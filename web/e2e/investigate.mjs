// An invited person joins, signs in, searches, narrows by a click, opens an event, and sees its proof hold, and then fail when the
// answer is altered on the way.
import { check, invite, journey, url } from './browser.mjs';
import { fillIn, join, PASSWORD } from './person.mjs';

await journey(async (page, step) => {
  step('join');
  const recovery = await join(page, invite);

  step('a wrong password is refused in words');
  await fillIn(page, process.env.LODGE_USER, 'something else entirely', '000000');
  await page.getByRole('alert').getByText('You are not signed in').waitFor();

  step('sign in');
  await fillIn(page, process.env.LODGE_USER, PASSWORD, recovery[0]);
  await page.waitForURL((at) => at.pathname === '/');
  const cookies = await page.context().cookies();
  const cookie = cookies.find(({ name }) => name === '__Host-lodge');
  check(cookie?.httpOnly && cookie.secure && cookie.sameSite === 'Strict', 'the cookie is out of reach');

  step('search');
  await page.goto(`${url}/events?q=${encodeURIComponent('kind: user.*')}`);
  const rows = page.getByRole('table', { name: 'Events' }).getByRole('row').filter({ has: page.getByRole('cell') });
  await rows.first().waitFor();
  const all = await rows.count();
  check(all > 2, `there are several events of users, and ${all} are shown`);

  step('include by hover');
  const kind = rows.getByTitle('user.login', { exact: true }).first();
  await kind.hover();
  await kind.getByRole('button', { name: 'Only kind: user.login' }).click();
  await page.waitForURL((at) => decodeURIComponent(at.search).includes('user.login'));
  await page.waitForFunction(
    () => ![...document.querySelectorAll('[role=row]')].some((row) => row.textContent.includes('user.create')),
  );

  step('a proof holds');
  await rows.first().getByRole('button', { name: 'Open user.login' }).click();
  await page.getByRole('tab', { name: 'Proof' }).click();
  await page.getByText('Verified in this browser').waitFor();

  step('and fails when the answer was altered');
  await page.route(/\/v1\/events\?/, async (route) => {
    const answer = await route.fetch();
    await route.fulfill({ response: answer, body: (await answer.text()).replaceAll('"user.login"', '"user.logon"') });
  });
  await page.goto(`${url}/events?q=${encodeURIComponent('kind: user.login')}`);
  await rows.first().waitFor();
  await page.getByRole('button', { name: 'Open user.logon' }).first().click();
  await page.getByRole('tab', { name: 'Proof' }).click();
  await page.getByText('This does not verify').waitFor();
  check((await page.getByText('Verified in this browser').count()) === 0, 'nothing is green');
  await page.unrouteAll();

  step('a mistake in the filter is pointed at');
  await page.goto(`${url}/events?q=${encodeURIComponent('knd: x')}`);
  await page.getByRole('alert').getByText('kind').first().waitFor();

  step('sign out');
  await page.goto(`${url}/`);
  await page.getByRole('button', { name: process.env.LODGE_USER }).click();
  await page.getByRole('menuitem', { name: 'Sign out' }).click();
  await page.getByLabel('Password').waitFor();
  const session = await page.request.get(`${url}/v1/console/session`);
  check(session.status() === 401, `the session has ended, and the server answers ${session.status()}`);
});
