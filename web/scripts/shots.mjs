// Takes pictures of pages, light and dark, wide and narrow, from the build with the mock: `npm run shots -- overview /`.
// Anything that the page's policy or a script complains of is printed and makes the run fail.
import { mkdirSync } from 'node:fs';
import { chromium } from 'playwright-core';
import { serve } from './serve.mjs';

const SIZES = { wide: { width: 1440, height: 900 }, narrow: { width: 390, height: 844 } };
const [name = 'overview', path = '/', ...steps] = process.argv.slice(2);

const server = await serve('dist-mock');
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
mkdirSync('shots', { recursive: true });
let complaints = 0;
for (const [size, viewport] of Object.entries(SIZES)) {
  for (const colorScheme of ['light', 'dark']) {
    const context = await browser.newContext({ viewport, colorScheme, timezoneId: 'Europe/Berlin', locale: 'en-GB' });
    const page = await context.newPage();
    const complain = (words) => {
      complaints += 1;
      console.log(`${size} ${colorScheme}: ${words}`);
    };
    page.on('pageerror', (error) => complain(error.stack ?? error.message));
    page.on('console', (message) => message.type() === 'error' && complain(message.text()));
    await page.goto(`http://127.0.0.1:${server.address().port}${path}`);
    await page.waitForLoadState('networkidle');
    await page.waitForTimeout(400);
    for (const step of steps) {
      const [verb, ...rest] = step.split(':');
      const what = rest.join(':');
      if (verb === 'click') await page.locator(what).first().click({ timeout: 5000 });
      if (verb === 'press') await page.keyboard.press(what);
      if (verb === 'type') await page.keyboard.type(what);
      if (verb === 'wait') await page.waitForTimeout(Number(what));
      await page.waitForTimeout(350);
    }
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
    if (wide > 0) complain(`the page is ${wide} px wider than the window`);
    await page.screenshot({ path: `shots/${name}-${size}-${colorScheme}.png` });
    await context.close();
  }
}
await browser.close();
server.close();
process.exitCode = complaints ? 1 : 0;
