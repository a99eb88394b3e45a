import { describe, expect, it } from 'vitest';
import { nameOf } from './keys.ts';

const pressed = (key: string, init: KeyboardEventInit = {}) => nameOf(new KeyboardEvent('keydown', { key, ...init }));

describe('a key press has one name', () => {
  it('names letters as they are typed', () => {
    expect(pressed('j')).toBe('j');
    expect(pressed('?', { shiftKey: true })).toBe('?');
  });
  it('names combinations alike on every system', () => {
    expect(pressed('k', { ctrlKey: true })).toBe('mod+k');
    expect(pressed('K', { metaKey: true, shiftKey: true })).toBe('mod+k');
  });
  it('tells named keys with shift apart', () => {
    expect(pressed('Enter', { shiftKey: true })).toBe('shift+Enter');
  });
});
