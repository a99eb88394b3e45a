/** What differs between two texts, line by line. */

export interface DiffLine {
  sign: ' ' | '-' | '+';
  text: string;
}

/** Compares by the longest common run of lines; documents here have hundreds of lines, not thousands. */
export function diff(before: string, after: string): DiffLine[] {
  const [a, b] = [lines(before), lines(after)];
  const width = b.length + 1;
  const common = new Uint32Array((a.length + 1) * width);
  const cell = (i: number, j: number) => common[i * width + j] ?? 0;
  for (let i = a.length - 1; i >= 0; i--) {
    for (let j = b.length - 1; j >= 0; j--) {
      common[i * width + j] = a[i] === b[j] ? cell(i + 1, j + 1) + 1 : Math.max(cell(i + 1, j), cell(i, j + 1));
    }
  }
  const found: DiffLine[] = [];
  let [i, j] = [0, 0];
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) {
      found.push({ sign: ' ', text: a[i] ?? '' });
      i += 1;
      j += 1;
    } else if (j >= b.length || (i < a.length && cell(i + 1, j) >= cell(i, j + 1))) {
      found.push({ sign: '-', text: a[i] ?? '' });
      i += 1;
    } else {
      found.push({ sign: '+', text: b[j] ?? '' });
      j += 1;
    }
  }
  return found;
}

const lines = (text: string) => (text.trimEnd() === '' ? [] : text.trimEnd().split('\n'));
