import { readFileSync } from 'node:fs';
import { parseAllDocuments } from 'yaml';
import { z } from 'zod';
import type { Labels, NewUnit } from '../../clients/confighub/index.ts';
import { unitCategoryOf } from '../../drift/decide/drift-set.ts';

/** File of `units/` → the labels of its unit, which is called as the file. One object for each unit. */
const UNIT_LABELS: Readonly<Record<string, Labels>> = {
  'app-config': { app: 'app-config', tier: 'standard' },
  'app-reader': { app: 'app-reader', tier: 'standard' },
  'backend-api': { app: 'backend-api', tier: 'critical' },
  'backend-api-service': { app: 'backend-api', tier: 'standard' },
  'database-postgres': { app: 'database-postgres', tier: 'critical' },
  'database-postgres-service': { app: 'database-postgres', tier: 'standard' },
  'frontend-web': { app: 'frontend-web', tier: 'critical' },
  'frontend-web-service': { app: 'frontend-web', tier: 'standard' },
  'node-logger': { app: 'node-logger', tier: 'standard' },
};

const identity = z.looseObject({ apiVersion: z.string(), kind: z.string() });

/** What the base space holds. */
export function baseUnits(): readonly NewUnit[] {
  return Object.entries(UNIT_LABELS).map(([slug, labels]) => {
    const data = readFileSync(new URL(`./units/${slug}.yaml`, import.meta.url), 'utf8');
    return {
      slug,
      labels: { ...labels, ...categoryOf(data), monitor: 'true' },
      data,
      changeDescription: 'Installed acorn-bear',
    };
  });
}

function categoryOf(data: string): Labels {
  const objects = parseAllDocuments(data).map((document) => identity.parse(document.toJS()));
  const category = unitCategoryOf(objects);
  return category === undefined ? {} : { 'drift-category': category };
}

/** Each environment has a namespace of its own, so this unit has no upstream. */
export function namespaceUnit(namespace: string, labels: Labels): NewUnit {
  return {
    slug: 'namespace',
    labels: { app: 'namespace', monitor: 'false', ...labels },
    data: `apiVersion: v1\nkind: Namespace\nmetadata:\n  name: ${namespace}\n`,
    changeDescription: 'Installed acorn-bear',
  };
}
