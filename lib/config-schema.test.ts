import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parseConfig } from './config.ts';
import { ENVIRONMENT_VARIABLES } from './config-environment.ts';
import { configSchema } from './config-schema.ts';

const DOCUMENT = readFileSync(new URL('../docs/configuration.md', import.meta.url), 'utf8');

/** Keys in the first column of the document's tables. */
const documented = [...DOCUMENT.matchAll(/^\| ((?:`[^`]+`(?:, )?)+) \|/gm)].flatMap((row) =>
  [...(row[1] ?? '').matchAll(/`([^`]+)`/g)].map((name) => name[1] ?? ''),
);

/** `a.b`, `list[].c`: every key that is not itself a group of keys. */
function leaves(schema: unknown, path: string): string[] {
  let inner: unknown = schema;
  while (has(inner, 'unwrap') && typeof inner.unwrap === 'function' && !has(inner, 'element')) {
    inner = inner.unwrap();
  }
  if (has(inner, 'shape') && typeof inner.shape === 'object' && inner.shape !== null) {
    return Object.entries(inner.shape).flatMap(([key, value]) =>
      leaves(value, path === '' ? key : `${path}.${key}`),
    );
  }
  // A value, or keys instead of it: both are written about.
  if (has(inner, 'options') && Array.isArray(inner.options)) {
    return [
      path,
      ...inner.options.flatMap((one) => leaves(one, path)).filter((one) => one !== path),
    ];
  }
  if (has(inner, 'element')) {
    const inside = leaves(inner.element, `${path}[]`);
    return inside.length > 1 ? inside : [path];
  }
  return [path];
}

function has<Key extends string>(value: unknown, key: Key): value is Record<Key, unknown> {
  return typeof value === 'object' && value !== null && key in value;
}

describe('docs/configuration.md', () => {
  it('has a row for every key and every variable, and none for others', () => {
    const known = [...leaves(configSchema, ''), ...Object.keys(ENVIRONMENT_VARIABLES)];
    expect(known).toContain('policies[].match.minSeverity');
    expect([...documented].sort()).toEqual([...known].sort());
  });

  it('has examples that Realign reads', () => {
    const examples = [...DOCUMENT.matchAll(/```yaml\n([\s\S]*?)```/g)].map(
      (block) => block[1] ?? '',
    );
    expect(examples.length).toBeGreaterThan(0);
    for (const example of examples) {
      expect(parseConfig(example, { env: {} }).environments.length).toBeGreaterThan(0);
    }
  });

  it('states the defaults that the schema has', () => {
    const defaults = parseConfig('', { env: {} });
    for (const [key, value] of [
      ['confighub.url', defaults.confighub.url],
      ['temporal.address', defaults.temporal.address],
      ['temporal.uiUrl', defaults.temporal.uiUrl],
      ['database.url', defaults.database.url],
      ['api.host', defaults.api.host],
      ['api.port', String(defaults.api.port)],
      ['residue', defaults.residue],
      ['confirm', defaults.confirm],
      ['log.level', defaults.log.level],
    ]) {
      expect(DOCUMENT).toContain(`| \`${key}\` | \`${value}\` |`);
    }
  });
});
