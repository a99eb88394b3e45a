// A real Chromium on a real Lodge. Whatever a page complains of, and any finding of its policy, fails the journey.
import { execFileSync } from 'node:child_process';
import { chromium } from 'playwright-core';

const WANTED = ['LODGE_URL', 'LODGE_INVITE'];
for (const name of WANTED) if (!process.env[name]) throw new Error(`${name} is not set`);

export const url = process.env.LODGE_URL;
export const invite = new URL(process.env.LODGE_INVITE);

/** The authenticator's code for a secret, now. */
export const code = (secret) => execFileSync('oathtool', ['--totp', '--base32', secret]).toString().trim();

/** Opens a page of a browser profile of its own, and listens to what it complains of. */
async function newPage(browser, complaints) {
  // The certificate is of this Lodge's own authority, which no system trusts.
  const context = await browser.newContext({ ignoreHTTPSErrors: true, viewport: { width: 1440, height: 900 } });
  const page = await context.newPage();
  page.setDefaultTimeout(20_000);
  page.on('pageerror', (error) => complaints.push(error.stack ?? error.message));
  page.on('console', (message) => {
    // Chromium says so of every answer that is an error, expected or not.
    const expected = message.text().startsWith('Failed to load resource');
    if (message.type() === 'error' && !expected) complaints.push(message.text());
  });
  return page;
}

/** Gives another person a browser of their own. */
export const newPerson = ({ browser, complaints }) => newPage(browser, complaints);

/** Runs a journey; prints each step, so that a failure says how far it came. */
export async function journey(work) {
  const browser = await chromium.launch({
    executablePath: process.env.LODGE_CHROMIUM ?? '/usr/bin/chromium',
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
  const complaints = [];
  const page = await newPage(browser, complaints);
  const step = (words) => console.log(`- ${words}`);
  try {
    await work(page, step, { browser, complaints });
    if (complaints.length > 0) throw new Error(`the pages complained:\n${complaints.join('\n')}`);
  } catch (error) {
    console.log(`at ${page.url()}\n${await page.locator('body').innerText().catch(() => '')}`);
    throw error;
  } finally {
    await browser.close();
  }
}

export function check(truth, words) {
  if (!truth) throw new Error(words);
}
