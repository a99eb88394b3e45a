import { fetchRaw, type Schemas } from '../../api/client.ts';
import { queries } from '../../api/session.ts';

/** Applies YAML documents; what was shown of access is then fetched anew. */
export async function apply(yaml: string): Promise<Schemas['Applied'][]> {
  const response = await fetchRaw('/v1/apply', {
    method: 'POST',
    headers: { 'Content-Type': 'application/yaml' },
    body: yaml,
  });
  const applied = (await response.json()) as Schemas['Applied'][];
  await queries.invalidateQueries({ queryKey: ['access'] });
  return applied;
}
