// Generates the API's types from docs/openapi.json.
//
// A schema that the document names and does not hold becomes `string`: the console then sends what the route's words say.
import { readFileSync, writeFileSync } from 'node:fs';
import openapi, { astToString } from 'openapi-typescript';

const text = readFileSync('../docs/openapi.json', 'utf8');
const document = JSON.parse(text);
for (const [, name] of text.matchAll(/"#\/components\/schemas\/(\w+)"/g)) {
  if (document.components.schemas[name]) continue;
  console.warn(`docs/openapi.json names the schema ${name} and does not hold it; it is taken for a string`);
  document.components.schemas[name] = { type: 'string' };
}
// Operations are known by path and method; their names repeat, which the generator would refuse.
for (const methods of Object.values(document.paths))
  for (const method of Object.values(methods)) delete method.operationId;

writeFileSync('src/api/schema.d.ts', astToString(await openapi(document)));
