// Packs what browsers take packed, once and well, beside each file; the server chooses.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliCompressSync, constants } from 'node:zlib';

const PACKED = /\.(js|css|svg|html)$/;
const options = { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } };

for (const entry of readdirSync('dist', { recursive: true, withFileTypes: true })) {
  const path = join(entry.parentPath, entry.name);
  if (!entry.isFile() || !PACKED.test(entry.name)) continue;
  writeFileSync(`${path}.br`, brotliCompressSync(readFileSync(path), options));
}
