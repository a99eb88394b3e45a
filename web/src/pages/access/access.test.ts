import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { diff } from './diff.ts';
import { toYaml } from './yaml.ts';

const signs = (before: string, after: string) => diff(before, after).map((line) => line.sign + line.text);

describe('what changes', () => {
  it('is shown line by line', () => {
    expect(signs('a\nb\nc\n', 'a\nx\nc\n')).toEqual([' a', '-b', '+x', ' c']);
    expect(signs('', 'a\n')).toEqual(['+a']);
    expect(signs('a\n', '')).toEqual(['-a']);
    expect(signs('a\n', 'a')).toEqual([' a']);
  });
});

describe('a form', () => {
  it('writes YAML that says exactly what was typed', () => {
    for (const reason of [
      'stolen',
      'yes',
      'null',
      '12',
      'a: b # c',
      '"x" \\ \'y\'',
      '- z',
      '{{user.name}}',
      'line\nbreak',
      '2030-01-01',
      '~',
      '!x',
      '&a',
      '*a',
      '0x1f',
      '1e3',
      '.inf',
    ]) {
      expect(
        parse(
          toYaml([
            ['kind', 'lock'],
            ['reason', reason],
          ]),
        ),
      ).toEqual({ kind: 'lock', reason });
    }
    expect(
      parse(
        toYaml([
          ['roles', ['a', 'on']],
          ['traits', { logins: ['x y', 'true'] }],
          ['none', undefined],
          ['everything', true],
        ]),
      ),
    ).toEqual({
      roles: ['a', 'on'],
      traits: { logins: ['x y', 'true'] },
      everything: true,
    });
  });
});
