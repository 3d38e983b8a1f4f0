import { isGroup } from '../drift/decide/approver-group.ts';
import type { Guards } from '../drift/decide/guard.ts';
import type { PolicyMatch, PolicyRule } from '../drift/decide/policy.ts';
import { SEVERITIES, type Severity, severityRank } from '../drift/field-change.ts';
import type { ConfigFile } from './config-schema.ts';
import { didYouMean } from './nearest-name.ts';

/** What is wrong with one rule: its index in `policies:`, the key inside it, and a sentence that names the rule. */
type PolicyProblem = {
  readonly index: number;
  readonly key: string;
  readonly message: string;
};

export function toPolicyRule(policy: ConfigFile['policies'][number]): PolicyRule {
  const { expiry, coolDown, ...rest } = policy;
  return { ...rest, expiryMs: expiry, coolDownMs: coolDown };
}

/** The guards with their times in milliseconds. */
export function toGuards({
  hold,
  announceAfter,
  flapping,
  backOff,
  fight,
  blast,
}: ConfigFile['guards']): Guards {
  return {
    holdMs: hold,
    announceAfterMs: announceAfter,
    flapping: {
      times: flapping.times,
      withinMs: flapping.within,
      shorterThanMs: flapping.shorterThan,
    },
    backOff: { enabled: backOff.enabled, stepsMs: backOff.steps, quietMs: backOff.quiet },
    fight: {
      enabled: fight.enabled,
      fixes: fight.fixes,
      fixesAgainstPeople: fight.fixesAgainstPeople,
      withinMs: fight.within,
      fixesPerDay: fight.fixesPerDay,
      enforceForMs: fight.enforceFor,
    },
    blast: {
      enabled: blast.enabled,
      objects: blast.objects,
      percent: blast.percent,
      withinMs: blast.within,
    },
  };
}

/** What a schema cannot see: names that exist nowhere, rules that contradict themselves, rules that can never apply. */
export function policyProblems(
  rules: readonly PolicyRule[],
  known: {
    readonly environments: readonly string[];
    readonly people: ConfigFile['people'];
  },
): readonly PolicyProblem[] {
  return rules.flatMap((rule, index) => {
    const found: PolicyProblem[] = [];
    const refuse = (key: string, message: string) =>
      found.push({ index, key, message: `rule "${rule.name}": ${message}` });
    const twin = rules.findIndex((other) => other.name === rule.name);
    if (twin < index) refuse('name', 'another rule has this name');
    for (const environment of rule.match.environments ?? []) {
      if (known.environments.includes(environment)) continue;
      const hint = didYouMean(environment, known.environments);
      refuse('match.environments', `there is no environment "${environment}"${hint}`);
    }
    for (const message of approverProblems(rule, known)) refuse('approvers', message);
    const alone = { ...rule, approvers: rule.breakGlass ?? [], quorum: 0 };
    for (const message of approverProblems(alone, known)) refuse('breakGlass', message);
    for (const { key, message } of contradictions(rule, known)) refuse(key, message);
    const earlier = rules.slice(0, index).find((other) => covers(other.match, rule.match));
    if (earlier && twin === index) {
      refuse(
        'match',
        `it can never apply: rule "${earlier.name}" before it matches everything it does`,
      );
    }
    return found;
  });
}

type Approvers = { readonly people: ConfigFile['people'] };

function approverProblems(rule: PolicyRule, { people }: Approvers): readonly string[] {
  const problems: string[] = [];
  const named = new Set<string>();
  for (const approver of rule.approvers) {
    if (approver.startsWith('role:')) {
      const role = approver.slice('role:'.length);
      if (role !== 'approver' && role !== 'admin') {
        problems.push(`"${approver}" may not approve; write role:approver, role:admin or a name`);
      }
      continue;
    }
    // Whether there is a Slack that knows it, only the api can tell.
    if (isGroup(approver)) continue;
    const person = people.find((one) => one.name === approver);
    if (!person) {
      const hint = didYouMean(
        approver,
        people.map((one) => one.name),
      );
      problems.push(`"${approver}" is nobody in \`people:\`${hint}`);
    } else if (!person.roles.some((role) => role === 'approver' || role === 'admin')) {
      problems.push(`"${approver}" has neither the role approver nor admin`);
    } else {
      named.add(approver);
    }
  }
  const onlyNames =
    rule.approvers.length > 0 &&
    !rule.approvers.some((one) => one.startsWith('role:') || isGroup(one));
  const needed = rule.quorum + (rule.unknownAuthor === 'extra-approver' ? 1 : 0);
  if (problems.length === 0 && onlyNames && named.size < needed) {
    const extra = needed > rule.quorum ? ' and one more where the author is unknown' : '';
    problems.push(`quorum ${rule.quorum}${extra} can never be reached by ${named.size} named`);
  }
  return problems;
}

type Contradiction = { readonly key: string; readonly message: string };

/** Keys that say something which the rest of the rule makes impossible or meaningless. */
function contradictions(rule: PolicyRule, known: Approvers): readonly Contradiction[] {
  const { outcome, match, escalation } = rule;
  const asksNobody = outcome === 'notify' || outcome === 'track';
  const found: (Contradiction | false | undefined)[] = [
    outcome === 'auto' &&
      rule.offer === 'accept' && {
        key: 'offer',
        message: 'an automatic fix reverts; what is live is accepted only by people',
      },
    outcome !== 'auto' && rule.coolDownMs > 0 && { key: 'coolDown', message: onlyFor('auto') },
    outcome !== 'auto' &&
      rule.maxFixesPerHour !== undefined && { key: 'maxFixesPerHour', message: onlyFor('auto') },
    outcome !== 'auto' &&
      rule.freezes.some((one) => one.bars === 'auto') && {
        key: 'freezes',
        message: `${onlyFor('auto')}; with \`bars: all\` a freeze holds approvals back, too`,
      },
    asksNobody && rule.dryRun && { key: 'dryRun', message: `outcome ${outcome} writes nothing` },
    asksNobody && rule.quorum > 1 && { key: 'quorum', message: onlyFor('auto and ask') },
    asksNobody &&
      rule.approvers.length > 0 && { key: 'approvers', message: onlyFor('auto and ask') },
    asksNobody &&
      rule.breakGlass !== undefined && { key: 'breakGlass', message: onlyFor('auto and ask') },
    asksNobody &&
      escalation !== undefined && { key: 'escalation', message: onlyFor('auto and ask') },
    lowestSeverity(match) === undefined && {
      key: 'match.severities',
      message: `it can never apply: none of them is ${match.minSeverity} or worse`,
    },
  ];
  for (const one of escalation?.to ?? []) {
    const problem = approverProblems({ ...rule, approvers: [one], quorum: 0 }, known)[0];
    if (problem !== undefined) found.push({ key: 'escalation.to', message: problem });
    else if (!isAmong(one, rule.approvers, known.people)) {
      found.push({ key: 'escalation.to', message: `"${one}" is called in, but may not approve` });
    }
  }
  return found.filter((one) => one !== false && one !== undefined);
}

function onlyFor(outcome: string): string {
  return `it has a meaning only with outcome ${outcome}`;
}

/** Whether somebody, or everybody of a role, is among those who may approve. */
function isAmong(one: string, approvers: readonly string[], people: ConfigFile['people']): boolean {
  if (approvers.length === 0 || approvers.includes(one)) return true;
  const roles: readonly string[] = people.find(({ name }) => name === one)?.roles ?? [];
  return roles.some((role) => approvers.includes(`role:${role}`));
}

/** True when whatever matches `inner` also matches `outer`. */
function covers(outer: PolicyMatch, inner: PolicyMatch): boolean {
  const lists = [
    ...(['environments', 'filters', 'kinds', 'namespaces', 'names'] as const),
    ...(['types', 'directions', 'severities', 'managers', 'actors'] as const),
  ] as const;
  for (const key of lists) {
    const wide: readonly string[] | undefined = outer[key];
    const narrow: readonly string[] | undefined = inner[key];
    if (wide && !narrow?.every((value) => wide.includes(value))) return false;
  }
  const lowest = severityRank(lowestSeverity(inner) ?? 'critical');
  if (outer.minSeverity && lowest < severityRank(outer.minSeverity)) return false;
  if (outer.flapping !== undefined && outer.flapping !== inner.flapping) return false;
  // Which times lie within which others is not worked out: only the same ones are known to.
  if (outer.times && JSON.stringify(outer.times) !== JSON.stringify(inner.times)) return false;
  return hasAll(inner.labels, outer.labels) && hasAll(inner.setLabels, outer.setLabels);
}

function hasAll(labels: PolicyMatch['labels'], wanted: PolicyMatch['labels']): boolean {
  return Object.entries(wanted ?? {}).every(([key, value]) => labels?.[key] === value);
}

/** The mildest severity that a rule applies to; undefined when it applies to none. */
function lowestSeverity({ minSeverity = 'info', severities }: PolicyMatch): Severity | undefined {
  return (severities ?? SEVERITIES)
    .filter((one) => severityRank(one) >= severityRank(minSeverity))
    .toSorted((a, b) => severityRank(a) - severityRank(b))[0];
}
