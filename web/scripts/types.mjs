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

writeFileSync('src/api/schema.d.ts', astToString(await openapi(document)));

// The fields and kinds that the search box completes, from docs/events.schema.json.
const schema = JSON.parse(readFileSync('../docs/events.schema.json', 'utf8'));
const resolve = (node) => {
  if (node.$ref) return { ...resolve(schema.$defs[node.$ref.split('/').at(-1)]), ...node, $ref: undefined };
  const real = node.anyOf?.find((option) => option.type !== 'null');
  return real ? { ...resolve(real), ...(node.description ? { description: node.description } : {}) } : node;
};
const fieldsOf = (node, prefix) =>
  Object.entries(resolve(node).properties ?? {}).flatMap(([name, property]) => {
    const field = resolve(property);
    const [path, says] = [prefix + name, (field.description ?? '').split('\n')[0]];
    const values = field.oneOf?.map((option) => option.const).filter(Boolean) ?? [];
    return field.properties && !prefix.startsWith('detail.')
      ? fieldsOf(field, `${path}.`)
      : [{ name: path, says, ...(values.length ? { values } : {}) }];
  });
const envelope = [
  ...fieldsOf({ properties: schema.properties }, ''),
  { name: 'kind', says: 'Dotted name of the kind.' },
];
const kinds = schema.oneOf
  .map((kind) => ({
    name: kind.properties.kind.const,
    says: kind.description ?? '',
    fields: fieldsOf(kind.properties.detail ?? {}, 'detail.'),
  }))
  .filter((kind) => kind.name);
writeFileSync('src/explorer/catalogue.json', `${JSON.stringify({ envelope, kinds }, null, 1)}\n`);
