// Who may do what: a role is changed and its event found with before and after; an auditor reads everything and changes and
// opens nothing; whoever has no rights is refused, and that stands in the log.
import { check, journey, newPerson, url } from './browser.mjs';
import { ask, enter } from './person.mjs';

const { LODGE_USER, LODGE_INVITE, LODGE_VERA, LODGE_NORA } = process.env;

const ROLE = `kind: role
name: developer
allow:
  - logins: [deploy]
    labels: { env: test }
options:
  session_ttl: 8h
`;

await journey(async (page, step, browser) => {
  await enter(page, LODGE_USER, LODGE_INVITE);
  const write = async (text) => {
    await page.getByRole('textbox', { name: 'Document, YAML' }).fill(text);
    await page.getByRole('button', { name: 'Show what changes' }).click();
  };

  step('a role that is wrong is refused with what is wrong');
  await page.goto(`${url}/access/roles`);
  await page.getByRole('button', { name: 'New role' }).click();
  await write(ROLE.replace('session_ttl', 'sesion_ttl'));
  await page.getByRole('button', { name: 'Apply' }).click();
  await page.getByRole('alert').getByText(/sesion_ttl/).waitFor();

  step('a role is made, and changed');
  await write(ROLE);
  await page.getByRole('button', { name: 'Apply' }).click();
  await page.getByText('role developer created').waitFor();
  await page.getByRole('button', { name: 'developer', exact: true }).click();
  const now = await page.getByRole('textbox', { name: 'Document, YAML' }).inputValue();
  await write(now.replace('8h', '2h'));
  const lines = await page.locator('.diff .plus, .diff .minus').allInnerTexts();
  check(lines.join('|').match(/- .*8h\|\+ .*2h/), `the difference is shown: ${lines.join(' | ')}`);
  await page.getByRole('button', { name: 'Apply' }).click();
  await page.getByText('role developer updated').waitFor();

  step('its event has before and after');
  await page.goto(`${url}/events?q=${encodeURIComponent('kind: role.update')}`);
  await page.getByRole('button', { name: 'Open role.update' }).first().click();
  const detail = page.locator('.detail, .event-detail, [role=tabpanel]').first();
  await detail.getByText('8h').first().waitFor();
  await detail.getByText('2h').first().waitFor();

  step('the histogram is brushed');
  await page.goto(`${url}/events?since=now-1h`);
  const bars = page.locator('.histogram .u-over');
  await bars.waitFor();
  const box = await bars.boundingBox();
  await page.mouse.move(box.x + box.width * 0.2, box.y + box.height / 2);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width * 0.7, box.y + box.height / 2, { steps: 8 });
  await page.mouse.up();
  await page.waitForURL((at) => /T/.test(at.searchParams.get('since') ?? '') && at.searchParams.has('until'));

  step('an auditor reads everything');
  const vera = await newPerson(browser);
  await enter(vera, 'vera', LODGE_VERA);
  await vera.goto(`${url}/events?q=${encodeURIComponent('kind: role.update')}`);
  await vera.getByRole('button', { name: 'Open role.update' }).first().waitFor();
  for (const [path, words] of [
    ['/access/targets', 'web-1'],
    ['/access/users', 'nora'],
    ['/access/roles', 'developer'],
    ['/access/authorities', /user/i],
  ]) {
    await vera.goto(`${url}${path}`);
    await vera.getByRole('table').getByText(words).or(vera.getByRole('heading', { name: words })).first().waitFor();
  }
  step('and changes and opens nothing');
  await vera.goto(`${url}/access/roles`);
  const make = vera.getByRole('button', { name: 'New role' });
  await make.waitFor();
  check((await make.getAttribute('aria-disabled')) === 'true', 'the button is disabled');
  check((await make.getAttribute('aria-description'))?.includes('roles.create'), 'and says why');
  await vera.goto(`${url}/terminal`);
  await vera.getByText('You reach no target').waitFor();
  await vera.goto(`${url}/terminal?target=web-1&login=root`);
  await vera.getByText(/ended: access denied/).waitFor();
  for (const [method, path] of [
    ['DELETE', '/v1/roles/developer'],
    ['DELETE', '/v1/users/nora'],
    ['POST', '/v1/authorities/user/rotate'],
  ]) {
    const refused = await ask(vera, method, path);
    check([403, 404, 415, 422].includes(refused.status), `${method} ${path}: ${refused.status}`);
  }
  check((await ask(vera, 'DELETE', '/v1/roles/developer')).status === 403, 'a role is not deleted');

  step('whoever has no rights is refused');
  const nora = await newPerson(browser);
  await enter(nora, 'nora', LODGE_NORA);
  await nora.goto(`${url}/events`);
  await nora.getByText(/your roles do not allow/i).first().waitFor();
  check((await ask(nora, 'GET', '/v1/events')).status === 403, 'the API refuses');

  step('and that is in the log');
  const denied = 'kind: access.denied and actor.user: nora and detail.protocol: api';
  await page.goto(`${url}/events?q=${encodeURIComponent(denied)}`);
  await page.getByRole('button', { name: 'Open access.denied' }).first().waitFor();
});
