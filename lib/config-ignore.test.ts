import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parseConfig } from './config.ts';
import { importFlux } from './import-ignore-rules.ts';
import { pathOfJq, pathOfPointer } from './import-paths.ts';

function load(yaml: string) {
  return parseConfig(yaml, { env: {} });
}

const RULE = 'kinds: [Deployment]}, paths: [spec.replicas], reason: because';

const REFUSED: readonly (readonly [what: string, rule: string, expected: RegExp])[] = [
  [
    'an unknown key',
    `{ id: a, match: {${RULE}, pahts: [x] }`,
    /line 2: ignore\[0\].pahts: unknown key; did you mean "paths"/,
  ],
  [
    'an unknown key of bounds',
    `{ id: a, match: {${RULE}, bounds: { mni: 1 } }`,
    /bounds.mni: unknown key; did you mean "min"/,
  ],
  [
    'a path that cannot be parsed',
    '{ id: a, match: {kinds: [Role]}, paths: ["spec["], reason: b }',
    /ignore\[0\].paths: rule "a": field path "spec\["/,
  ],
  [
    'a regular expression',
    '{ id: a, match: {kinds: [Role]}, paths: ["x[name=~(a|b)+]"], reason: b }',
    /rule "a": pattern "\(a\|b\)\+": "\(" is not supported/,
  ],
  [
    'a plural for a kind',
    '{ id: a, match: {kinds: [deployments]}, paths: [x], reason: b }',
    /kinds\[0\]: expected a kind such as Deployment/,
  ],
  [
    'no reason',
    '{ id: a, match: {kinds: [Role]}, paths: [x] }',
    /ignore\[0\].reason: rule "a": the key is missing/,
  ],
  [
    'no id',
    '{ match: {kinds: [Role]}, paths: [x], reason: b }',
    /ignore\[0\].id: the key is missing/,
  ],
  ['no kind and no end', '{ id: a, paths: [x], reason: b }', /expires: rule "a": it names no kind/],
  [
    '** and no end',
    '{ id: a, match: {kinds: [Role]}, paths: ["**.x"], reason: b }',
    /expires: rule "a"/,
  ],
  [
    'an end that is no date',
    `{ id: a, match: {${RULE}, expires: soon }`,
    /expected a date such as/,
  ],
  [
    'a bound that is no amount',
    `{ id: a, match: {${RULE}, bounds: { max: many } }`,
    /"many" is neither number nor quantity/,
  ],
  [
    'two of one id',
    `{ id: a, match: {${RULE} }\n  - { id: a, match: {${RULE} }`,
    /rule "a": another rule has this name/,
  ],
  [
    'an unknown environment',
    '{ id: a, match: {kinds: [Role], environments: [acorn-bear-qq]}, paths: [x], reason: b }',
    /no environment "acorn-bear-qq"; did you mean "acorn-bear-qa"/,
  ],
  [
    'a selector that cannot be read',
    '{ id: a, match: {kinds: [Role], labels: "a in b"}, paths: [x], reason: b }',
    /rule "a": "a in b" is no part of a label selector/,
  ],
  [
    'an unknown effect',
    `{ id: a, match: {${RULE}, effect: ignore }`,
    /ignore\[0\].effect: expected one of/,
  ],
  [
    'paths beside an import',
    '{ paths: [x], argocd: [{ kind: Role, jsonPointers: [/a] }] }',
    /next to an import only/,
  ],
];

describe('ignore rules', () => {
  it('are read with their defaults', () => {
    const { ignore, ignoreAnnotations } = load(
      'ignore:\n  - { id: hpa, match: { kinds: [apps/Deployment], labels: { tier: web } }, paths: [spec.replicas], bounds: { max: 5 }, reason: HPA owns scale }',
    );
    expect(ignore).toEqual([
      {
        id: 'hpa',
        match: { kinds: ['apps/Deployment'], labels: 'tier=web' },
        paths: ['spec.replicas'],
        bounds: { max: 5 },
        effect: 'expected',
        reason: 'HPA owns scale',
      },
    ]);
    expect(ignoreAnnotations).toBe(true);
  });

  it.each(REFUSED)('refuse %s', (_what, rule, expected) => {
    expect(() => load(`ignore:\n  - ${rule}`)).toThrow(expected);
  });
});

describe('severities', () => {
  it('are read in order, and refuse what cannot be', () => {
    expect(
      load('severities:\n  - { match: { types: [Scaling] }, severity: low }').severities,
    ).toEqual([{ match: { types: ['Scaling'] }, severity: 'low' }]);
    expect(() => load('severities:\n  - { match: { paths: ["a["] }, severity: low }')).toThrow(
      /severities\[0\].match: field path/,
    );
  });
});

describe("Argo CD's ignoreDifferences", () => {
  it('become rules', () => {
    const { ignore } = load(`
ignore:
  - expires: 2030-01-01
    match: { environments: [acorn-bear-qa] }
    argocd:
      - group: apps
        kind: Deployment
        name: web
        jsonPointers: [/spec/replicas, /metadata/annotations/a~1b.c]
        jqPathExpressions: ['.spec.template.spec.initContainers[] | select(.name == "istio-init")']
        managedFieldsManagers: [kube-controller-manager]
      - kind: ConfigMap
        jsonPointers: [/data/0]
`);
    const common = { effect: 'expected', expires: '2030-01-01' };
    const environments = ['acorn-bear-qa'];
    expect(ignore).toMatchObject([
      {
        id: 'argocd-1.1',
        match: { environments, kinds: ['apps/Deployment'], names: ['web'] },
        paths: [
          'spec.replicas',
          'metadata.annotations["a/b.c"]',
          'spec.template.spec.initContainers[name=istio-init]',
        ],
        ...common,
      },
      { id: 'argocd-1.1-managers', paths: ['**'], by: { managers: ['kube-controller-manager'] } },
      { id: 'argocd-1.2', match: { kinds: ['core/ConfigMap'] }, paths: ['data.0'], ...common },
    ]);
  });

  it.each([
    ['.spec.replicas', 'spec.replicas'],
    ['.webhooks[]?.clientConfig.caBundle', 'webhooks[*].clientConfig.caBundle'],
    ['.metadata.annotations["a.b/c"]', 'metadata.annotations["a.b/c"]'],
    ['.metadata.annotations."a.b/c"', 'metadata.annotations["a.b/c"]'],
    ['.data[]', 'data.*'],
    ['.spec.c[] | select(.name == "x") | .image', 'spec.c[name=x].image'],
    ['.spec.c[] | select(.name == "x").image', 'spec.c[name=x].image'],
    ['.spec.c[] | select(.name | startswith("istio-"))', 'spec.c[name=~^istio-]'],
    ['.spec.c[] | select(.name | test("^a.*z$"))', 'spec.c[name=~^a.*z$]'],
    ['.spec.ports[] | select(.port == 80)', 'spec.ports[port=80]'],
  ])('takes jq %s over as %s', (jq, path) => {
    expect(pathOfJq(jq)).toBe(path);
  });

  it.each([
    '.spec.c[0].image',
    '.spec | keys',
    '.. | .image',
    '.spec.c[] | select(.name == "x" and .image == "y")',
    '.spec | select(.name == "x")',
    '.spec.c[] | select(.name | test("a|b"))',
    '.',
    'spec.replicas',
    '.a["b"',
    '',
  ])('refuses jq %j', (jq) => {
    expect(() => pathOfJq(jq)).toThrow(SyntaxError);
  });

  it.each(['spec', '/spec/containers/0/image', '/spec/args/-', '/a//b'])(
    'refuses the pointer %j',
    (pointer) => {
      expect(() => pathOfPointer(pointer)).toThrow(SyntaxError);
    },
  );

  it('names the entry that it refuses', () => {
    expect(() =>
      load('ignore:\n  - argocd: [{ kind: Pod, jsonPointers: [/spec/containers/0/image] }]'),
    ).toThrow(/ignore\[0\].argocd\[0\]: rule "argocd-1": JSON Pointer .* by its index 0/);
  });
});

describe("Flux's driftDetection.ignore", () => {
  it('becomes rules', () => {
    const { ignore } = load(`
ignore:
  - id: from-flux
    reason: until everything is moved
    expires: 2030-01-01
    flux:
      - paths: [/spec/replicas]
        target: { kind: Deployment|StatefulSet, group: apps, name: web-.*, labelSelector: tier!=batch }
      - paths: ['']
        target: { kind: Job }
`);
    expect(ignore).toMatchObject([
      {
        id: 'from-flux.1',
        match: {
          kinds: ['apps/Deployment', 'apps/StatefulSet'],
          names: ['web-*'],
          labels: 'tier!=batch',
        },
        paths: ['spec.replicas'],
        reason: 'until everything is moved',
      },
      { id: 'from-flux.2', match: { kinds: ['Job'] }, paths: ['**'] },
    ]);
  });

  it.each([
    ['^(a|b)$', ['a', 'b']],
    ['a\\.b', ['a.b']],
    ['.*-x', ['*-x']],
  ])('takes the name %s over as %j', (name, names) => {
    const frame = { id: 'x', effect: 'expected', reason: 'r' } as const;
    const [rule] = importFlux({ paths: ['/a'], target: { name } }, frame);
    expect(rule?.match.names).toEqual(names);
  });

  it.each(['a.b', 'a+', '[ab]', 'a(b|c)'])('refuses the name %s', (name) => {
    const frame = { id: 'x', effect: 'expected', reason: 'r' } as const;
    expect(() => importFlux({ paths: ['/a'], target: { name } }, frame)).toThrow(/cannot be taken/);
  });
});

it('docs/comparing.md has examples that Realign reads', () => {
  const page = readFileSync(new URL('../docs/comparing.md', import.meta.url), 'utf8');
  const examples = [...page.matchAll(/```yaml\n(ignore|severities):\n([\s\S]*?)```/g)];
  expect(examples.length).toBeGreaterThanOrEqual(3);
  for (const [, key, body] of examples) {
    const config = load(`${key}:\n${body}`);
    expect(config.ignore.length + config.severities.length).toBeGreaterThan(0);
  }
});
