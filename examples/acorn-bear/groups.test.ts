import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { DRIFT_SETS } from '../../drift/decide/drift-set.ts';
import { FILTERS, SERVICE_SET } from './groups.ts';
import { baseUnits } from './units.ts';

const page = readFileSync(new URL('../../docs/confighub.md', import.meta.url), 'utf8');
const rows = (title: string) => {
  const table = page.slice(page.indexOf(`| ${title} |`)).split('\n\n')[0] ?? '';
  const lines = table.split('\n').slice(2);
  return lines.map((line) => line.split('|').map((cell) => cell.trim().replaceAll('`', '')));
};

describe('sets and filters', () => {
  it('are those of docs/confighub.md', () => {
    expect(rows('Filter').map(([, slug, purpose, where]) => ({ slug, where, purpose }))).toEqual(
      FILTERS,
    );
    const documented = rows('Set').map(([, slug, , members]) => ({ slug, members }));
    expect(documented).toEqual([
      { slug: SERVICE_SET.slug, members: 'units with tier=critical' },
      ...DRIFT_SETS.map(({ slug, displayName }) => ({ slug, members: displayName })),
    ]);
  });

  it('have the units of RBAC alone in the security category', () => {
    const security = baseUnits().filter((unit) => unit.labels?.['drift-category'] !== undefined);
    expect(security.map((unit) => unit.slug)).toEqual(['app-reader']);
  });
});
