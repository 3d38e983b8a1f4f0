import { readFileSync } from 'node:fs';
import type { Labels, NewUnit } from '../../clients/confighub/index.ts';

/** File of `units/` → the labels of its unit, which is called as the file. One object for each unit. */
const UNIT_LABELS: Readonly<Record<string, Labels>> = {
  'app-config': { app: 'app-config', tier: 'standard' },
  'app-reader': { app: 'app-reader', tier: 'standard', 'drift-category': 'security' },
  'backend-api': { app: 'backend-api', tier: 'critical' },
  'backend-api-service': { app: 'backend-api', tier: 'standard' },
  'database-postgres': { app: 'database-postgres', tier: 'critical' },
  'database-postgres-service': { app: 'database-postgres', tier: 'standard' },
  'frontend-web': { app: 'frontend-web', tier: 'critical' },
  'frontend-web-service': { app: 'frontend-web', tier: 'standard' },
  'node-logger': { app: 'node-logger', tier: 'standard' },
};

/** What the base space holds. */
export function baseUnits(): readonly NewUnit[] {
  return Object.entries(UNIT_LABELS).map(([slug, labels]) => ({
    slug,
    labels: { ...labels, monitor: 'true' },
    data: readFileSync(new URL(`./units/${slug}.yaml`, import.meta.url), 'utf8'),
    changeDescription: 'Installed acorn-bear',
  }));
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

/** The filters that policies name; each selects units. */
export const FILTERS: readonly { readonly slug: string; readonly where: string }[] = [
  { slug: 'critical-services', where: "Labels.tier = 'critical'" },
  { slug: 'production-only', where: "Labels.environment = 'prod'" },
  { slug: 'security-drift', where: "Labels.drift-category = 'security'" },
  { slug: 'production-drift', where: "Space.Labels.environment = 'prod'" },
  { slug: 'auto-correctable', where: "Labels.auto-correctable = 'true'" },
  { slug: 'manual-review', where: "Labels.requires-approval = 'true'" },
];
