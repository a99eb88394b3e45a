/** Writes the few documents that forms make. Text in quotes as JSON has it is also YAML. */

export type Value = string | number | boolean | string[] | Record<string, string[]>;

const PLAIN = /^[A-Za-z][A-Za-z0-9_.-]*$/;
const WORDS = /^(true|false|null|yes|no|on|off|y|n)$/i;

const scalar = (value: string | number | boolean): string =>
  typeof value !== 'string' || (PLAIN.test(value) && !WORDS.test(value)) ? String(value) : JSON.stringify(value);

const flow = (value: Value): string => {
  if (Array.isArray(value)) return `[${value.map(scalar).join(', ')}]`;
  if (typeof value === 'object')
    return `{${Object.entries(value)
      .map(([name, list]) => `${scalar(name)}: ${flow(list)}`)
      .join(', ')}}`;
  return scalar(value);
};

/** A document of the given members, in their order; those without a value are left out. */
export function toYaml(members: [string, Value | undefined][]): string {
  return members
    .map(([name, value]) => (value === undefined || value === '' ? '' : `${name}: ${flow(value)}\n`))
    .join('');
}
