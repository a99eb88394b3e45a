const HERE = 'https://lodge.invalid';

/** Only addresses of this console: what stands in a link must not lead elsewhere. */
export function ownAddress(next: string | undefined): string {
  // Browsers drop tabs and line breaks from an address before they read it.
  // biome-ignore lint/suspicious/noControlCharactersInRegex: those are what must not be in it.
  if (!next?.startsWith('/') || /[\x00-\x1f\\]/.test(next) || next.startsWith('//')) return '/';
  const address = new URL(next, HERE);
  return address.origin === HERE ? next : '/';
}
