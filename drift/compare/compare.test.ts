import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { Severity } from '../field-change.ts';
import type { KubeObject } from '../resource-ref.ts';
import type { CompareContext } from './compare.ts';
import { compare } from './compare.ts';
import { compileDesired } from './compile.ts';

type Case = {
  readonly name: string;
  readonly desired: KubeObject;
  readonly live: KubeObject | null;
  readonly lastApplied?: KubeObject;
  readonly severity?: Severity;
  readonly expect: readonly { path: string; type: string; who?: string }[];
};

const cases = JSON.parse(
  readFileSync(new URL('./fixtures/diff-cases.json', import.meta.url), 'utf8'),
) as readonly Case[];

/** Where the project's table of types overrides the severity that the case file suggests. */
const OVERRIDDEN: Readonly<Record<string, Severity>> = {
  'pos-replicas-kubectl-scale': 'high',
  'pos-container-port-rekey': 'medium',
  'pos-service-port-rekey': 'medium',
  'pos-secret-value': 'high',
  'pos-template-label': 'low',
  'pos-object-missing': 'high',
};

function run(one: Case) {
  const context: CompareContext = {
    appliers: ['confighub'],
    unexplained: 'rewritten',
    ...(one.lastApplied ? { base: compileDesired(one.lastApplied) } : {}),
  };
  return compare(compileDesired(one.desired), one.live ?? undefined, context);
}

test('there are 96 cases', () => {
  expect(cases).toHaveLength(96);
});

describe.each(cases)('$name', (one) => {
  const result = run(one);

  test('finds exactly the expected paths, ops and writers', () => {
    const found = result.changes.map(({ path, op, who }) => ({ path, type: op, who }));
    const expected = one.expect.map(({ path, type, who }) => {
      const at = path === '(object)' ? '' : path;
      return { path: at, type, who: who ?? found.find((other) => other.path === at)?.who };
    });
    expect(found).toHaveLength(expected.length);
    expect(found).toEqual(expect.arrayContaining(expected));
  });

  test('has the severity of its worst change', () => {
    expect(result.severity).toBe(OVERRIDDEN[one.name] ?? one.severity ?? 'info');
  });
});
