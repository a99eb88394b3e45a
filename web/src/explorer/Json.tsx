/** JSON in colours; read from the value, so that nothing in it can be markup. */

const PIECE = /("(?:\\.|[^"\\])*")(\s*:)?|\b(true|false|null)\b|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;

export function Json({ value }: { value: unknown }) {
  const text = JSON.stringify(value, null, 2) ?? '';
  const pieces: { text: string; look: string }[] = [];
  let at = 0;
  for (const match of text.matchAll(PIECE)) {
    if (match.index > at) pieces.push({ text: text.slice(at, match.index), look: '' });
    const look = match[2] ? 't-field' : match[1] ? 't-value' : match[3] ? 't-keyword' : 'j-number';
    pieces.push({ text: match[0], look });
    at = match.index + match[0].length;
  }
  pieces.push({ text: text.slice(at), look: '' });
  return (
    <pre className="json">
      {pieces.map((piece, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: pieces of one text have no other name.
        <span key={index} className={piece.look}>
          {piece.text}
        </span>
      ))}
    </pre>
  );
}
