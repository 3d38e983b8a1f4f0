import { classOfManager } from '../compare/managers.ts';
import { severityRank } from '../field-change.ts';
import { compileGlob } from '../text-pattern.ts';
import { describeWindow, isWithin } from '../time-window.ts';
import type { Actor, PolicyFacts, PolicyMatch } from './policy-rule.ts';

/** Why a rule does not match, as a sentence; undefined when it does. */
export function mismatch(match: PolicyMatch, facts: PolicyFacts): string | undefined {
  return (
    subjectMismatch(match, facts) ?? changeMismatch(match, facts) ?? historyMismatch(match, facts)
  );
}

/** By which object it is. */
function subjectMismatch(match: PolicyMatch, facts: PolicyFacts): string | undefined {
  if (match.environments && !match.environments.includes(facts.environment)) {
    return `environment ${facts.environment} is none of ${match.environments.join(', ')}`;
  }
  if (match.filters && !match.filters.some((slug) => facts.filters.includes(slug))) {
    return `the unit is selected by none of the filters ${match.filters.join(', ')}`;
  }
  if (match.kinds && !match.kinds.includes(facts.kind)) {
    return `kind ${facts.kind} is none of ${match.kinds.join(', ')}`;
  }
  if (match.namespaces && !match.namespaces.includes(facts.namespace)) {
    return `namespace ${facts.namespace} is none of ${match.namespaces.join(', ')}`;
  }
  if (match.names && !fitsAny(match.names, facts.name)) {
    return `name ${facts.name} fits none of ${match.names.join(', ')}`;
  }
  for (const [key, value] of Object.entries(match.labels ?? {})) {
    if (facts.labels[key] !== value) return `label ${key} is not ${value}`;
  }
  for (const [key, value] of Object.entries(match.setLabels ?? {})) {
    if (facts.setLabels?.[key] !== value) return `the unit is in no set with ${key}=${value}`;
  }
  return undefined;
}

/** By what differs. */
function changeMismatch(match: PolicyMatch, facts: PolicyFacts): string | undefined {
  if (match.types && !match.types.some((type) => facts.types.includes(type))) {
    return `no change is of type ${match.types.join(', ')}`;
  }
  if (match.directions && !match.directions.includes(facts.direction)) {
    return `direction ${facts.direction} is none of ${match.directions.join(', ')}`;
  }
  if (match.minSeverity && severityRank(facts.severity) < severityRank(match.minSeverity)) {
    return `severity ${facts.severity} is below ${match.minSeverity}`;
  }
  if (match.severities && !match.severities.includes(facts.severity)) {
    return `severity ${facts.severity} is none of ${match.severities.join(', ')}`;
  }
  return undefined;
}

/** By who did it and when. */
function historyMismatch(match: PolicyMatch, facts: PolicyFacts): string | undefined {
  const { managers } = match;
  if (managers && !facts.managers.some((one) => fitsAny(managers, one))) {
    const who = facts.managers.join(', ') || 'nobody known';
    return `written by ${who}, none of ${managers.join(', ')}`;
  }
  const { actors } = match;
  if (actors && !facts.managers.some((one) => actors.includes(actorOf(one)))) {
    const who = facts.managers.map(actorOf).join(', ') || 'unknown';
    return `written by ${who}, none of ${actors.join(', ')}`;
  }
  if (match.flapping !== undefined && match.flapping !== facts.flapping) {
    return facts.flapping ? 'it is flapping' : 'it is not flapping';
  }
  if (match.times && !match.times.some((window) => isWithin(window, facts.atMs))) {
    return `${new Date(facts.atMs).toISOString()} is not within ${match.times.map(describeWindow).join(' or ')}`;
  }
  return undefined;
}

function actorOf(manager: string): Actor {
  return manager === 'unknown' ? 'unknown' : classOfManager(manager);
}

function fitsAny(globs: readonly string[], text: string): boolean {
  return globs.some((glob) => compileGlob(glob)(text));
}
