import { describe, expect, it } from 'vitest';
import { pieces, readTold } from './socket.ts';

describe('a terminal’s socket', () => {
  it('reads what the server says, and nothing else', () => {
    expect(readTold('{"session":"01a2"}')).toEqual({ session: '01a2' });
    expect(readTold('{"end":{"exit_code":3,"why":null}}')).toEqual({ end: { exitCode: 3, why: null } });
    expect(readTold('{"end":{"exit_code":null,"why":"access denied"}}')).toEqual({
      end: { exitCode: null, why: 'access denied' },
    });
    for (const other of ['', 'null', '[]', '{}', '{"end":null}', '{"session":1}', '{"more":true}'])
      expect(readTold(other)).toBeNull();
  });

  it('cuts a long paste into messages that the server takes', () => {
    const cut = pieces(new Uint8Array(150_000));
    expect(cut.map((piece) => piece.length)).toEqual([65_536, 65_536, 18_928]);
    expect(pieces(new Uint8Array())).toEqual([]);
  });
});
