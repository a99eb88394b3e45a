import { describe, expect, it } from 'vitest';
import { LodgeError, problemFrom, shown } from './problem.ts';

describe('errors say what failed, why, and what to do next', () => {
  it('takes the words of a problem document', () => {
    const error = problemFrom(403, { code: 'forbidden', detail: 'no role gives you `log.read`', request_id: 'r1' });
    expect(error).toMatchObject({
      status: 403,
      code: 'forbidden',
      message: 'no role gives you `log.read`',
      requestId: 'r1',
    });
    expect(error.next).toContain('role');
  });

  it('does not show the page of a proxy', () => {
    expect(problemFrom(502, '<html>Bad gateway</html>').message).not.toContain('<');
  });

  it('lets a cancelled request stay cancelled', () => {
    const cancelled = new DOMException('gone', 'AbortError');
    expect(() => LodgeError.unreachable(cancelled)).toThrow(cancelled);
  });

  it('shows whatever was thrown', () => {
    expect(shown(new Error('x')).message).toBe('x');
    expect(shown('y').message).toBe('y');
  });
});
