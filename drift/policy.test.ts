import { describe, expect, it } from 'vitest';
import { DEFAULT_RULE, decide, mismatch, type PolicyFacts, type PolicyRule } from './policy.ts';

const FACTS: PolicyFacts = {
  environment: 'prod',
  kind: 'Deployment',
  namespace: 'shop',
  labels: { tier: 'critical', team: 'web' },
  filters: ['manual-review'],
  types: ['Scaling', 'VersionChange'],
  severity: 'high',
  direction: 'forward',
};

function rule(name: string, part: Partial<PolicyRule> = {}): PolicyRule {
  return { ...DEFAULT_RULE, name, ...part };
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
    expect(decision).toEqual({ rule: 'default', outcome: 'ask', policy: DEFAULT_RULE });
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
  ] as const)('%j matches', (match) => {
    expect(mismatch(match, FACTS)).toBeUndefined();
  });

  it.each([
    [{ environments: ['dev'] }, 'environment prod is none of dev'],
    [{ filters: ['auto-correctable'] }, 'selected by none of the filters auto-correctable'],
    [{ kinds: ['Service', 'Ingress'] }, 'kind Deployment is none of Service, Ingress'],
    [{ namespaces: ['kube-system'] }, 'namespace shop is none of kube-system'],
    [{ types: ['PortChange'] }, 'no change is of type PortChange'],
    [{ directions: ['reverse'] }, 'direction forward is none of reverse'],
    [{ minSeverity: 'critical' }, 'severity high is below critical'],
    [{ labels: { tier: 'low' } }, 'label tier is not low'],
    [{ labels: { absent: '' } }, 'label absent is not '],
    // An empty list of alternatives offers none.
    [{ kinds: [] }, 'kind Deployment is none of '],
    // All conditions must hold, not any.
    [{ environments: ['prod'], kinds: ['Secret'] }, 'kind Deployment is none of Secret'],
  ] as const)('%j does not, and says why', (match, reason) => {
    expect(mismatch(match, FACTS)).toContain(reason);
  });
});
