import { expect, it } from 'vitest';
import { ownAddress } from './address.ts';

it('signing in leads nowhere but into this console', () => {
  for (const next of [
    'https://evil.example',
    '//evil.example',
    '/\\evil.example',
    'javascript:alert(1)',
    '',
    undefined,
    'events',
    '/\t/evil.example',
    '/\n/evil',
  ]) {
    expect(ownAddress(next)).toBe('/');
  }
  expect(ownAddress('/events?q=a#b')).toBe('/events?q=a#b');
});
