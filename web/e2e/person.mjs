// What every journey begins with: somebody who was invited joins and signs in.
import { check, code, url } from './browser.mjs';

export const PASSWORD = 'a sentence that nobody guesses';

/** Follows an invite; returns recovery codes, each of which signs in once. */
export async function join(page, invite) {
  await page.goto(`${url}${new URL(invite).pathname}`);
  await page.getByLabel('New password').fill(PASSWORD);
  await page.getByLabel('The same again').fill(PASSWORD);
  await page.getByRole('button', { name: 'Go on' }).click();
  const secret = (await page.locator('code.secret').innerText()).replaceAll(' ', '');
  await page.getByRole('textbox', { name: 'Code' }).fill(code(secret));
  await page.getByRole('button', { name: 'Confirm' }).click();
  await page.locator('.codes code').first().waitFor();
  const recovery = await page.locator('.codes code').allInnerTexts();
  check(recovery.length > 1, 'recovery codes are shown');
  await page.getByLabel('I have kept them').check();
  await page.getByRole('button', { name: 'Sign in' }).click();
  return recovery;
}

/** Fills in the form that signs in. The code of the half minute in which somebody joined was used for that. */
export async function fillIn(page, name, password, second) {
  await page.getByLabel('Name').fill(name);
  await page.getByLabel('Password').fill(password);
  await page.getByRole('textbox', { name: 'Code' }).fill(second);
  await page.getByRole('button', { name: 'Sign in' }).click();
}

/** Joins and signs in. */
export async function enter(page, name, invite) {
  const recovery = await join(page, invite);
  await fillIn(page, name, PASSWORD, recovery[0]);
  await page.waitForURL((at) => at.pathname === '/');
  return recovery;
}

/** What the server answers a page's script, with what a change must carry. */
export const ask = (page, method, path) =>
  page.evaluate(
    async ([method, path]) => {
      const session = await (await fetch('/v1/console/session')).json();
      const response = await fetch(path, { method, headers: { 'X-Lodge-CSRF': session.csrf_token } });
      return { status: response.status, body: await response.text() };
    },
    [method, path],
  );
