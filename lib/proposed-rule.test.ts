import { expect, test } from 'vitest';
import { compileIgnoreRule } from '../drift/compare/ignore-rule.ts';
import { proposedRule } from '../drift/decide/proposed-rule.ts';
import type { FieldChange } from '../drift/field-change.ts';
import { parseConfig } from './config.ts';

const REF = {
  ...{ environment: 'prod', group: 'apps', version: 'v1', kind: 'Deployment' },
  ...{ namespace: 'shop', name: 'web' },
};
const PATH = 'spec.template.spec.containers[name=app].resources.limits.cpu';
const CHANGE: FieldChange = {
  ...{ path: PATH, op: 'changed', desired: '1', live: '2', who: 'keda: "x"' },
  ...{ type: 'ResourceChange', severity: 'low', confidence: 'high' },
};
const SUBJECT = {
  ...{ ...REF, unit: 'web', labels: {}, annotations: {} },
};

test.each([
  ['an object of a namespace', REF],
  ['an object of no group and none', { ...REF, group: '', kind: 'Namespace', namespace: '' }],
])('what is proposed can be put into the configuration, and expects just that: %s', (_, ref) => {
  const yaml = proposedRule(ref, { path: PATH, opponent: CHANGE.who });
  const environments = 'environments:\n  - { name: prod, source: { space: prod } }\n';
  const { ignore } = parseConfig(`${environments}${yaml}\n`, { env: {} });
  const [rule, ...others] = ignore.map(compileIgnoreRule);
  expect(others).toEqual([]);
  const subject = { ...SUBJECT, ...ref };
  expect(rule?.isAbout(subject)).toBe(true);
  expect(rule?.isAbout({ ...subject, name: 'web-2' })).toBe(false);
  expect(rule?.isAbout({ ...subject, environment: 'dev' })).toBe(false);
  expect(rule?.fits(CHANGE)).toBe(true);
  expect(rule?.fits({ ...CHANGE, who: 'kubectl-edit' })).toBe(false);
  expect(rule?.fits({ ...CHANGE, path: 'spec.replicas' })).toBe(false);
});
