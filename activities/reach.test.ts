import { expect, test } from 'vitest';
import type { Unit } from '../clients/confighub/index.ts';
import { declareObjects } from '../testing/declared-source.ts';
import type { ActivityDeps } from './deps.ts';
import { reachOfRestore } from './reach.ts';

const deps = {
  keyedHash: () => '',
  environments: new Map([['dev', { source: declareObjects('dev').source }]]),
} as unknown as ActivityDeps;

function configMaps(modes: Readonly<Record<string, string>>): string {
  return Object.entries(modes)
    .map(
      ([namespace, mode]) =>
        `apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: app\n  namespace: ${namespace}\ndata:\n  mode: ${mode}\n`,
    )
    .join('---\n');
}

test('objects of one name in two namespaces are told apart', async () => {
  const reach = await reachOfRestore(deps, 'dev', {} as Unit, {
    before: configMaps({ shop: 'calm', lab: 'wild' }),
    after: configMaps({ shop: 'calm', lab: 'tame' }),
  });
  expect(reach).toEqual([
    {
      ...{ environment: 'dev', resource: 'ConfigMap/lab/app', path: 'data.mode' },
      ...{ from: 'wild', to: 'tame' },
    },
  ]);
});
