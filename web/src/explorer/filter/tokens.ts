/**
 * Cuts a filter into pieces to colour and to complete. It judges nothing: what is wrong is for the server to say.
 *
 * The rules are those of docs/filter.md: a colon ends a word where a field may stand, and belongs to it where a value must.
 */

export type TokenKind = 'field' | 'operator' | 'value' | 'text' | 'keyword' | 'open' | 'close' | 'wrong';

export interface Token {
  kind: TokenKind;
  /** First character, and the one behind the last. */
  start: number;
  end: number;
  /** Of a value: the field that it is of. */
  field?: string;
}

const KEYWORD = /^(and|or|not)$/i;
const SPACE = /\s/;
const ENDS_WORD = new Set(['(', ')', '{', '}', '<', '>', '"']);

interface Place {
  /** The field whose values stand here; absent where conditions do. */
  field?: string | undefined;
}

export function tokenize(text: string): Token[] {
  const tokens: Token[] = [];
  const groups: Place[] = [{}];
  // The field whose operator was just read.
  let awaiting: string | undefined;
  let at = 0;

  const add = (kind: TokenKind, start: number, field?: string) => {
    tokens.push(field === undefined ? { kind, start, end: at } : { kind, start, end: at, field });
  };

  while (at < text.length) {
    const start = at;
    const letter = text[at] as string;
    const here = groups.at(-1)?.field;
    const field = awaiting ?? here;
    if (SPACE.test(letter)) {
      at += 1;
    } else if (letter === '(') {
      at += 1;
      groups.push({ field });
      awaiting = undefined;
      add('open', start);
    } else if (letter === ')') {
      at += 1;
      if (groups.length > 1) groups.pop();
      awaiting = undefined;
      add('close', start);
    } else if (letter === '<' || letter === '>' || (letter === ':' && field === undefined)) {
      at += text[at + 1] === '=' && letter !== ':' ? 2 : 1;
      awaiting = nameField(tokens, text);
      add('operator', start);
    } else if (letter === '{' || letter === '}') {
      at += 1;
      add('wrong', start);
    } else if (letter === '"') {
      at = endOfQuoted(text, at);
      add(field === undefined ? 'text' : 'value', start, field);
      awaiting = undefined;
    } else {
      at = endOfWord(text, at, field === undefined);
      const word = text.slice(start, at);
      if (KEYWORD.test(word)) {
        add('keyword', start);
      } else {
        add(field === undefined ? 'text' : 'value', start, field);
        awaiting = undefined;
      }
    }
  }
  return tokens;
}

/** The word before an operator is a field's name. */
function nameField(tokens: Token[], text: string): string {
  const before = tokens.at(-1);
  if (before?.kind !== 'text') return '';
  before.kind = 'field';
  return text.slice(before.start, before.end);
}

function endOfQuoted(text: string, from: number): number {
  let at = from + 1;
  while (at < text.length) {
    if (text[at] === '"') return at + 1;
    at += text[at] === '\\' ? 2 : 1;
  }
  return text.length;
}

function endOfWord(text: string, from: number, colonEnds: boolean): number {
  let at = from;
  while (at < text.length) {
    const letter = text[at] as string;
    if (SPACE.test(letter) || ENDS_WORD.has(letter) || (colonEnds && letter === ':')) break;
    at += letter === '\\' ? 2 : 1;
  }
  return Math.min(Math.max(at, from + 1), text.length);
}

/** What a word or quoted text says, without its quotes and backslashes. */
export function unquote(written: string): string {
  const inner = written.startsWith('"') ? written.slice(1).replace(/"$/, '') : written;
  return inner.replace(/\\(.)/gs, '$1');
}
