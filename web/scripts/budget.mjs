// Holds the size of the first load: the scripts that the entry page needs before anything shows, compressed.
import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';

const LIMIT_BYTES = 150_000;
const manifest = JSON.parse(readFileSync('dist/.vite/manifest.json', 'utf8'));

const needed = new Set();
const need = (key) => {
  if (needed.has(key)) return;
  needed.add(key);
  for (const imported of manifest[key].imports ?? []) need(imported);
};
need('index.html');

let total = 0;
for (const key of needed) {
  const bytes = gzipSync(readFileSync(`dist/${manifest[key].file}`)).length;
  total += bytes;
  console.log(`${String(bytes).padStart(8)}  ${manifest[key].file}`);
}
console.log(`${String(total).padStart(8)}  first load, gzip; ${LIMIT_BYTES} at most`);
if (total > LIMIT_BYTES) {
  console.error('The first load is over its budget: load what the first page does not need with import().');
  process.exit(1);
}
