import { describe, expect, it } from 'vitest';
import {
  DEFAULT_RULE,
  decide,
  explainRules,
  type PolicyFacts,
  type PolicyMatch,
  type PolicyRule,
} from './policy.ts';
import { mismatch } from './policy-match.ts';

const FACTS: PolicyFacts = {
  environment: 'prod',
  kind: 'Deployment',
  namespace: 'shop',
  labels: { tier: 'critical', team: 'web' },
  setLabels: { 'auto-fix': 'true' },
  filters: ['manual-review'],
  types: ['Scaling', 'VersionChange'],
  severity: 'high',
  direction: 'forward',
  name: 'web-front',
  managers: ['kubectl-edit', 'keda'],
  flapping: false,
  // A Wednesday.
  atMs: Date.parse('2026-07-01T10:00:00Z'),
};
const DAYTIME = { from: '09:00', to: '17:00', timeZone: 'UTC' };

function rule(name: string, part: Partial<PolicyRule> = {}): PolicyRule {
  return { ...DEFAULT_RULE, unknownAuthor: 'allow', name, ...part };
}

describe('decide', () => {
  it('takes the first rule that matches, whatever comes after', () => {
    const rules = [
      rule('dev', { match: { environments: ['dev'] }, outcome: 'auto' }),
      rule('prod', { match: { environments: ['prod'] }, outcome: 'notify' }),
      rule('all', { outcome: 'auto' }),
    ];
    expect(decide(rules, FACTS, true)).toEqual({
      rule: 'prod',
      outcome: 'notify',
      policy: rules[1],
    });
  });

  it('asks one person, and writes nothing, where no rule matches', () => {
    const rules = [rule('dev', { match: { environments: ['dev'] }, outcome: 'auto' })];
    const decision = decide(rules, FACTS, true);
    expect(decision).toEqual({
      rule: 'default',
      outcome: 'ask',
      policy: { ...DEFAULT_RULE, unknownAuthor: 'allow' },
    });
    expect(DEFAULT_RULE).toMatchObject({ quorum: 1, selfApproval: false, upgrade: 'never' });
  });

  it('acts on auto as on ask while AUTO_FIX is off, and says why', () => {
    const auto = rule('fix', { outcome: 'auto' });
    expect(decide([auto], FACTS, true)).toEqual({ rule: 'fix', outcome: 'auto', policy: auto });
    expect(decide([auto], FACTS, false)).toEqual({
      rule: 'fix',
      outcome: 'ask',
      because: 'AUTO_FIX is off',
      policy: auto,
    });
  });

  it.each(['ask', 'notify', 'track'] as const)(
    'leaves %s alone while AUTO_FIX is off',
    (outcome) => {
      const decision = decide([rule('r', { outcome })], FACTS, false);
      expect(decision.outcome).toBe(outcome);
      expect(decision).not.toHaveProperty('because');
    },
  );
});

describe('unknown authors', () => {
  const inProduction = (approvers: number) => ({ ...FACTS, production: { approvers } });
  const asked: PolicyRule = { ...DEFAULT_RULE, name: 'asked', quorum: 2 };

  it('need one more approver in production, unless the rule says so itself or nobody could', () => {
    expect(decide([asked], inProduction(3), true).policy.unknownAuthor).toBe('extra-approver');
    expect(decide([asked], inProduction(2), true).policy.unknownAuthor).toBe('allow');
    expect(decide([asked], FACTS, true).policy.unknownAuthor).toBe('allow');
    const allowing = { ...asked, unknownAuthor: 'allow' } as const;
    expect(decide([allowing], inProduction(9), true).policy.unknownAuthor).toBe('allow');
    const strict = { ...asked, unknownAuthor: 'extra-approver' } as const;
    expect(decide([strict], FACTS, true).policy.unknownAuthor).toBe('extra-approver');
  });

  it('are covered by the rule that holds where none matches, too', () => {
    expect(decide([], inProduction(2), true).policy.unknownAuthor).toBe('extra-approver');
  });
});

describe('a freeze', () => {
  const frozen = rule('fix', { outcome: 'auto', freezes: [{ ...DAYTIME, bars: 'auto' }] });

  it('makes auto ask while it lasts, and says until when', () => {
    const { outcome, because } = decide([frozen], FACTS, true);
    expect(outcome).toBe('ask');
    expect(because).toContain('until 2026-07-01T17:00:00.000Z');
    const later = { ...FACTS, atMs: FACTS.atMs + 7 * 3_600_000 };
    expect(decide([frozen], later, true).outcome).toBe('auto');
  });

  it('is no reason that is told before what is reserved for people', () => {
    expect(decide([frozen], { ...FACTS, reserved: 'a Secret' }, true).because).toBe('a Secret');
  });
});

describe('explainRules', () => {
  it('says of each rule why it does not match, the default last', () => {
    const rules = [
      rule('dev', { match: { environments: ['dev'] } }),
      rule('shop', { match: { namespaces: ['shop'] } }),
    ];
    expect(explainRules(rules, FACTS)).toEqual([
      { rule: 'dev', mismatch: 'environment prod is none of dev' },
      { rule: 'shop' },
      { rule: 'default' },
    ]);
  });
});

describe('mismatch', () => {
  it.each([
    [{}],
    [{ environments: ['dev', 'prod'] }],
    [{ filters: ['auto-correctable', 'manual-review'] }],
    [{ kinds: ['Deployment'] }],
    [{ namespaces: ['shop'] }],
    [{ types: ['PortChange', 'Scaling'] }],
    [{ directions: ['forward'] }],
    [{ minSeverity: 'high' }],
    [{ minSeverity: 'low' }],
    [{ labels: { tier: 'critical', team: 'web' } }],
    [{ setLabels: { 'auto-fix': 'true' } }],
    [{ names: ['api', 'web-*'] }],
    [{ severities: ['critical', 'high'] }],
    [{ managers: ['kubectl*'] }],
    [{ managers: ['ke?a'] }],
    [{ actors: ['person'] }],
    [{ actors: ['unknown', 'controller'] }],
    [{ flapping: false }],
    [{ times: [{ days: ['sun'], timeZone: 'UTC' }, DAYTIME] }],
  ] satisfies [PolicyMatch][])('%j matches', (match) => {
    expect(mismatch(match, FACTS)).toBeUndefined();
  });

  it.each([
    [{ environments: ['dev'] }, 'environment prod is none of dev'],
    [{ filters: ['auto-correctable'] }, 'selected by none of the filters auto-correctable'],
    [{ kinds: ['Service', 'Ingress'] }, 'kind Deployment is none of Service, Ingress'],
    [{ namespaces: ['kube-system'] }, 'namespace shop is none of kube-system'],
    [{ types: ['PortChange'] }, 'no change is of type PortChange'],
    [
      { actors: ['deliverer', 'unknown'] },
      'written by person, controller, none of deliverer, unknown',
    ],
    [{ directions: ['reverse'] }, 'direction forward is none of reverse'],
    [{ minSeverity: 'critical' }, 'severity high is below critical'],
    [{ labels: { tier: 'low' } }, 'label tier is not low'],
    [{ labels: { absent: '' } }, 'label absent is not '],
    [{ setLabels: { 'auto-fix': 'false' } }, 'the unit is in no set with auto-fix=false'],
    [{ setLabels: { tier: 'critical' } }, 'the unit is in no set with tier=critical'],
    [{ names: ['web'] }, 'name web-front fits none of web'],
    [{ severities: ['critical', 'medium'] }, 'severity high is none of critical, medium'],
    [{ managers: ['helm', 'argocd*'] }, 'written by kubectl-edit, keda, none of helm, argocd*'],
    [{ flapping: true }, 'it is not flapping'],
    [
      { times: [{ days: ['sat', 'sun'], timeZone: 'UTC' }] },
      '2026-07-01T10:00:00.000Z is not within sat, sun UTC',
    ],
    // An empty list of alternatives offers none.
    [{ kinds: [] }, 'kind Deployment is none of '],
    // All conditions must hold, not any.
    [{ environments: ['prod'], kinds: ['Secret'] }, 'kind Deployment is none of Secret'],
  ] satisfies [PolicyMatch, string][])('%j does not, and says why', (match, reason) => {
    expect(mismatch(match, FACTS)).toContain(reason);
  });
});
