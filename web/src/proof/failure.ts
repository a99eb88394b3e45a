/** Why something is not proved. */

export type FailureCode =
  | 'format'
  | 'key'
  | 'signature'
  | 'origin'
  | 'position'
  | 'inclusion'
  | 'payload'
  | 'shown'
  | 'fork'
  | 'range';

export class ProofFailure extends Error {
  override readonly name = 'ProofFailure';

  constructor(
    readonly code: FailureCode,
    message: string,
  ) {
    super(message);
  }
}

export function fail(code: FailureCode, message: string): never {
  throw new ProofFailure(code, message);
}
