import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { FieldChange } from '../field-change.ts';
import type { JsonValue } from '../json.ts';
import type { KubeObject, ManagedFieldsEntry } from '../resource-ref.ts';
import { compare } from './compare.ts';
import { compileDesired } from './compile.ts';
import { DEFAULT_RULES } from './default-rules.ts';
import type { CompiledRules } from './ignore.ts';
import { applyIgnoreRules, compileIgnoreRules, differences, NO_RULES } from './ignore.ts';
import type { IgnoreRule, RuleSubject } from './ignore-rule.ts';
import { needsExpiry } from './ignore-rule.ts';

const NOW_MS = Date.parse('2026-06-01T00:00:00Z');
const SUBJECT: RuleSubject = {
  environment: 'prod',
  group: 'apps',
  kind: 'Deployment',
  namespace: 'shop',
  name: 'web',
  unit: 'web',
  labels: { app: 'web' },
  annotations: {},
};

function object(replicas: number, image: string, more: object = {}): KubeObject {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'web', namespace: 'shop', ...more },
    spec: { replicas, template: { spec: { containers: [{ name: 'app', image }] } } },
  };
}

function writer(manager: string, fieldsV1: JsonValue, subresource?: string): ManagedFieldsEntry {
  const time = '2026-01-02T00:00:00Z';
  return { manager, operation: 'Update', time, fieldsV1, ...(subresource && { subresource }) };
}

const REPLICAS = { 'f:spec': { 'f:replicas': {} } };
const IMAGE = {
  'f:spec': {
    'f:template': { 'f:spec': { 'f:containers': { 'k:{"name":"app"}': { 'f:image': {} } } } },
  },
};
const IMAGE_PATH = 'spec.template.spec.containers[name=app].image';

/** Scaled to `replicas` by an autoscaler, and its image changed by kubectl. */
function edited(replicas: number): KubeObject {
  const managedFields = [
    writer('kube-controller-manager', REPLICAS, 'scale'),
    writer('kubectl-edit', IMAGE),
  ];
  return object(replicas, 'evil', { managedFields });
}

function rule(own: Partial<IgnoreRule>): IgnoreRule {
  return {
    id: 'r',
    match: { kinds: ['Deployment'] },
    paths: ['spec.replicas'],
    effect: 'expected',
    reason: 'because',
    ...own,
  };
}

function judge(live: KubeObject | undefined, rules: CompiledRules, own: Partial<RuleSubject> = {}) {
  const comparison = compare(compileDesired(object(3, 'good')), live, {
    appliers: ['confighub'],
    collectExcused: true,
  });
  const ruled = applyIgnoreRules(comparison, rules, () => ({ ...SUBJECT, ...own }), NOW_MS);
  const ignored = (ruled.ignored ?? []).map((one) => `${one.change.path} by ${one.rule}`);
  return { ...ruled, paths: ruled.changes.map((one) => one.path), ignored };
}

const one = (own: Partial<IgnoreRule>) => compileIgnoreRules([rule(own)]);

describe('which differences a rule fits', () => {
  test.each<[string, Partial<IgnoreRule>, Partial<RuleSubject>, boolean]>([
    ['its path', { paths: [IMAGE_PATH] }, {}, true],
    ['another path', { paths: ['spec.template.metadata'] }, {}, false],
    ['another kind', { paths: [IMAGE_PATH], match: { kinds: ['StatefulSet'] } }, {}, false],
    ['kind with group', { paths: [IMAGE_PATH], match: { kinds: ['apps/*'] } }, {}, true],
    [
      'kind of another group',
      { paths: [IMAGE_PATH], match: { kinds: ['core/Deployment'] } },
      {},
      false,
    ],
    ['namespace glob', { paths: [IMAGE_PATH], match: { namespaces: ['sh*'] } }, {}, true],
    ['another namespace', { paths: [IMAGE_PATH], match: { namespaces: ['dev-*'] } }, {}, false],
    ['name', { paths: [IMAGE_PATH], match: { names: ['api', 'web'] } }, {}, true],
    ['another unit', { paths: [IMAGE_PATH], match: { units: ['api'] } }, {}, false],
    ['another environment', { paths: [IMAGE_PATH], match: { environments: ['dev'] } }, {}, false],
    ['labels', { paths: [IMAGE_PATH], match: { labels: 'app=web' } }, {}, true],
    ['other labels', { paths: [IMAGE_PATH], match: { labels: 'app!=web' } }, {}, false],
    ['its manager', { paths: [IMAGE_PATH], by: { managers: ['kubectl-*'] } }, {}, true],
    ['another manager', { paths: [IMAGE_PATH], by: { managers: ['argocd*'] } }, {}, false],
    ['another subresource', { paths: [IMAGE_PATH], by: { subresource: 'scale' } }, {}, false],
    ['another op', { paths: [IMAGE_PATH], ops: ['removed'] }, {}, false],
    ['its type', { paths: [IMAGE_PATH], types: ['VersionChange'] }, {}, true],
    ['another type', { paths: [IMAGE_PATH], types: ['Scaling'] }, {}, false],
    ['expired', { paths: [IMAGE_PATH], expires: '2026-05-31' }, {}, false],
    ['not yet expired', { paths: [IMAGE_PATH], expires: '2026-06-02' }, {}, true],
  ])('%s', (_what, own, subject, hidden) => {
    const { paths, ignored } = judge(edited(9), one(own), subject);
    expect(paths).toEqual(hidden ? [] : [IMAGE_PATH]);
    expect(ignored.includes(`${IMAGE_PATH} by r`)).toBe(hidden);
  });

  test('a missing object only where the rule names that op', () => {
    expect(judge(undefined, one({ paths: ['**'] })).paths).toEqual(['']);
    expect(judge(undefined, one({ paths: ['**'], ops: ['object-missing'] })).paths).toEqual([]);
  });
});

describe('effects', () => {
  const REPLICAS_PATH = 'spec.replicas';
  test('without a rule the default one hides what an autoscaler wrote', () => {
    const { paths, ignored } = judge(edited(9), NO_RULES);
    expect(paths).toEqual([IMAGE_PATH]);
    expect(ignored).toEqual([`${REPLICAS_PATH} by default/autoscaled-replicas`]);
  });

  test('bounds narrow the default: within silent, beyond found', () => {
    const rules = one({ bounds: { min: 2, max: 10 }, by: { subresource: 'scale' } });
    expect(judge(edited(9), rules).ignored).toEqual([`${REPLICAS_PATH} by r`]);
    const beyond = judge(edited(50), rules);
    expect(beyond.paths).toEqual([IMAGE_PATH, REPLICAS_PATH]);
    expect(beyond.ignored).toEqual([]);
  });

  test('bounds of the declared autoscaler, and none without one', () => {
    const rules = one({ bounds: { hpa: true } });
    const autoscaler = { min: 2, max: 10 };
    expect(judge(edited(9), rules, { autoscaler }).paths).toEqual([IMAGE_PATH]);
    expect(judge(edited(11), rules, { autoscaler }).paths).toContain(REPLICAS_PATH);
    expect(judge(edited(9), rules).paths).toContain(REPLICAS_PATH);
  });

  test('oneOf', () => {
    const rules = one({ paths: [IMAGE_PATH], bounds: { oneOf: ['evil', 'worse'] } });
    expect(judge(edited(3), rules).paths).toEqual([]);
    const other = one({ paths: [IMAGE_PATH], bounds: { oneOf: ['worse'] } });
    expect(judge(edited(3), other).paths).toEqual([IMAGE_PATH]);
  });

  test('report turns a default off, and a hole into a wider rule', () => {
    expect(judge(edited(9), one({ effect: 'report' })).paths).toContain(REPLICAS_PATH);
    const rules = compileIgnoreRules([
      rule({ id: 'wide', paths: ['spec.**'] }),
      rule({ id: 'hole', paths: [IMAGE_PATH], effect: 'report' }),
    ]);
    expect(judge(edited(9), rules).paths).toEqual([IMAGE_PATH]);
  });

  test('severity replaces the severity, and the drift is as bad as its worst change', () => {
    const ruled = judge(edited(3), one({ paths: [IMAGE_PATH], effect: 'severity:low' }));
    expect(ruled.changes[0]).toMatchObject({ severity: 'low' });
    expect(ruled.severity).toBe('low');
    const rules = compileIgnoreRules(
      [],
      [
        { match: { types: ['VersionChange'], kinds: ['Deployment'] }, severity: 'critical' },
        { match: {}, severity: 'info' },
      ],
    );
    expect(judge(edited(3), rules).severity).toBe('critical');
  });

  test('approve-always beats every other rule and the annotation', () => {
    const rules = compileIgnoreRules([
      rule({ id: 'unit', match: { units: ['web'] }, paths: ['spec'] }),
      rule({ id: 'people', paths: ['spec.template'], effect: 'approve-always' }),
    ]);
    const { paths, approval } = judge(edited(3), rules, {
      annotations: { 'realign.dev/ignore': 'true' },
    });
    expect(paths).toEqual([IMAGE_PATH]);
    expect(approval).toBe('rule people leaves it to people: because');
  });

  test('direction is that of what is left', () => {
    const ruled = judge(edited(3), one({ paths: [IMAGE_PATH] }));
    expect(ruled).toMatchObject({ changes: [], direction: 'unknown', severity: 'info' });
  });

  test('each rule that decided is named for the count of hits', () => {
    expect(judge(edited(3), one({ paths: [IMAGE_PATH] })).hits).toEqual([
      { rule: 'r', path: IMAGE_PATH },
    ]);
  });
});

describe('precedence', () => {
  test.each<[string, readonly IgnoreRule[], string]>([
    [
      'a unit before an environment before all',
      [
        rule({ id: 'all', paths: [IMAGE_PATH] }),
        rule({ id: 'environment', match: { environments: ['prod'] }, paths: ['**'] }),
        rule({ id: 'unit', match: { units: ['web'] }, paths: ['**'] }),
      ],
      'unit',
    ],
    [
      'more conditions',
      [
        rule({ id: 'kind' }),
        rule({ id: 'named', match: { kinds: ['Deployment'], names: ['web'] } }),
      ].map((one) => ({ ...one, paths: ['spec.template'] })),
      'named',
    ],
    [
      'the more exact path',
      [rule({ id: 'wide', paths: ['spec.**'] }), rule({ id: 'exact', paths: [IMAGE_PATH] })],
      'exact',
    ],
    [
      'the first of two alike',
      [rule({ id: 'a', paths: [IMAGE_PATH] }), rule({ id: 'b', paths: [IMAGE_PATH] })],
      'a',
    ],
  ])('%s', (_what, rules, winner) => {
    expect(judge(edited(3), compileIgnoreRules(rules)).ignored).toEqual([
      `${IMAGE_PATH} by ${winner}`,
    ]);
  });
});

describe('annotations of the desired object', () => {
  test('name fields, separated by commas outside of brackets', () => {
    const annotations = {
      'realign.dev/ignore-fields': `spec.ports[port=80,protocol=TCP], ${IMAGE_PATH}`,
    };
    expect(judge(edited(3), NO_RULES, { annotations }).ignored).toEqual([
      `${IMAGE_PATH} by annotation`,
    ]);
  });

  test('do not hide that the object is missing, unless they ignore the object', () => {
    const fields = { 'realign.dev/ignore-fields': '**' };
    expect(judge(undefined, NO_RULES, { annotations: fields }).paths).toEqual(['']);
    const whole = { 'realign.dev/ignore': 'true' };
    expect(judge(undefined, NO_RULES, { annotations: whole }).paths).toEqual([]);
  });

  test('that cannot be read hide nothing and are told', () => {
    const annotations = { 'realign.dev/ignore-fields': 'spec[' };
    const { paths, problems } = judge(edited(3), NO_RULES, { annotations });
    expect(paths).toEqual([IMAGE_PATH]);
    expect(problems?.[0]).toContain('realign.dev/ignore-fields: field path "spec["');
  });

  test('count only where the configuration lets them', () => {
    const annotations = { 'realign.dev/ignore': 'true' };
    expect(judge(edited(3), compileIgnoreRules([], [], false), { annotations }).paths).toEqual([
      IMAGE_PATH,
    ]);
  });
});

test('what an apply would overwrite names the rule that keeps it', () => {
  const rules = one({ paths: [IMAGE_PATH], effect: 'observe' });
  const found = differences(judgeRaw(edited(9), rules)).map(({ change, keptBy }) => [
    change.path,
    keptBy,
  ]);
  expect(found).toEqual([
    [IMAGE_PATH, undefined],
    ['spec.replicas', 'default/autoscaled-replicas'],
  ]);
});

function judgeRaw(live: KubeObject, rules: CompiledRules) {
  const context = { appliers: ['confighub'], collectExcused: true };
  const comparison = compare(compileDesired(object(3, 'good')), live, context);
  return applyIgnoreRules(comparison, rules, () => SUBJECT, NOW_MS);
}

test('without a difference the comparison comes back as it is, and nobody asks for the subject', () => {
  const comparison = compare(compileDesired(object(3, 'good')), object(3, 'good'), {
    appliers: ['confighub'],
  });
  const subject = () => {
    throw new Error('asked');
  };
  expect(applyIgnoreRules(comparison, one({}), subject, NOW_MS)).toBe(comparison);
});

test.each<[Partial<IgnoreRule>, boolean]>([
  [{}, false],
  [{ match: {} }, true],
  [{ match: { kinds: ['*'] } }, true],
  [{ paths: ['spec.**'] }, true],
])('%j must expire: %s', (own, expected) => {
  expect(needsExpiry(rule(own))).toBe(expected);
});

const NAMES = ['spec', 'a', 'b', 'c'];
const pathArb = fc.array(fc.constantFrom(...NAMES), { minLength: 1, maxLength: 4 });

function changeAt(path: string): FieldChange {
  return {
    path,
    op: 'changed',
    type: 'GenericChange',
    severity: 'medium',
    who: 'kubectl',
    confidence: 'high',
  };
}

test('a rule with an exact path hides exactly what is at or below it', () => {
  fc.assert(
    fc.property(
      pathArb,
      fc.uniqueArray(pathArb, { selector: (one) => one.join('.') }),
      (own, at) => {
        const paths = at.map((one) => one.join('.'));
        const comparison = {
          changes: paths.map(changeAt),
          directions: paths.map(() => 'forward' as const),
          direction: 'forward' as const,
          severity: 'medium' as const,
          serverRewritten: 0,
          expected: 0,
        };
        const rules = one({ match: {}, paths: [own.join('.')] });
        const ruled = applyIgnoreRules(comparison, rules, () => SUBJECT, NOW_MS);
        const isBelow = (path: readonly string[]) =>
          own.every((name, index) => path[index] === name);
        const left = at.filter((path) => !isBelow(path)).map((path) => path.join('.'));
        expect(ruled.changes.map((change) => change.path)).toEqual(left);
        expect((ruled.ignored ?? []).length).toBe(paths.length - left.length);
      },
    ),
  );
});

test('docs/comparing.md lists the default rules', () => {
  const page = readFileSync(new URL('../../docs/comparing.md', import.meta.url), 'utf8');
  for (const { id, hides } of DEFAULT_RULES) expect(page).toContain(`| \`${id}\` | ${hides} |`);
});
