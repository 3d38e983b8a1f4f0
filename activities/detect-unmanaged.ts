import { driftScore } from '../drift/compare/classify.ts';
import { unmanagedChange } from '../drift/compare/unmanaged.ts';
import { DEFAULT_RULE, type PolicyFacts, type PolicyRule } from '../drift/decide/policy.ts';
import type { Finding } from '../drift/decide/record.ts';
import type { KubeObject, ResourceRef } from '../drift/resource-ref.ts';
import { redactObject } from '../drift/secrets/redact.ts';
import { diffDigest } from '../lib/drift-digest.ts';
import { authorshipOf } from './authorship.ts';
import type { DeclaredCounts } from './declared-counts.ts';
import { type ActivityDeps, environmentOf } from './deps.ts';
import { storable } from './inspect.ts';
import { judge } from './judge.ts';
import { openEpisode, type RulesInForce, rememberFinding, rulesFor } from './remember-finding.ts';
import type { DetectInput, Detection } from './types.ts';

type DetectionDeps = Pick<
  ActivityDeps,
  'config' | 'store' | 'environments' | 'keyedHash' | 'metrics' | 'log'
>;

/**
 * What is to be said of an object that no unit declares: a finding where the environment reports such objects. One that is gone
 * by now is no drift any more.
 */
export async function detectUnmanaged(
  deps: DetectionDeps,
  input: DetectInput,
  runId: string,
): Promise<Detection> {
  const { ref } = input;
  const { config, cluster } = environmentOf(deps, ref.environment);
  if (config.unmanaged !== 'report') return { inScope: false };
  const live = await cluster.get(ref);
  if (!live) return { inScope: true };
  const finding = await findingOf(deps, ref, live);
  if (!finding) return { inScope: false };
  const facts = factsOf(finding, live);
  const state = storable(redactObject(live, deps.keyedHash));
  const states = { desired: null, live: state, desiredHash: '' };
  const detectedMs = await openEpisode(deps, input, { finding, states, runId });
  const rules = tellingOnly(rulesFor(deps, ref.environment));
  const judgement = await judge(deps, NOT_COUNTED, rules, { finding, facts }, { detectedMs });
  await rememberFinding(deps, input, { finding, decision: judgement.decision, states });
  return { inScope: true, finding, judgement };
}

/** Counts matter to automatic fixes alone. */
const NOT_COUNTED: DeclaredCounts = { of: async () => 0 };

/** Nothing is there to fix: Realign deletes no object. Where a rule says `auto` or `ask`, or none matches, people are told. */
function tellingOnly({ rules, autoFix }: RulesInForce): RulesInForce {
  const telling = [...rules, DEFAULT_RULE].map((rule): PolicyRule => {
    const isActive = rule.outcome === 'auto' || rule.outcome === 'ask';
    return isActive ? { ...rule, outcome: 'notify' } : rule;
  });
  return { rules: telling, autoFix };
}

async function findingOf(
  deps: DetectionDeps,
  ref: ResourceRef,
  live: KubeObject,
): Promise<Finding | undefined> {
  const change = unmanagedChange(live);
  if (!change) return undefined;
  const { config, store, keyedHash } = deps;
  const { cluster } = environmentOf(deps, ref.environment);
  const changes = [change];
  const parts = { config, auditWrites: store.auditWrites, cluster };
  return {
    ref,
    uid: live.metadata.uid ?? '',
    resourceVersion: live.metadata.resourceVersion ?? '',
    changes,
    omitted: 0,
    severity: change.severity,
    direction: 'forward',
    who: change.who,
    diffDigest: diffDigest(keyedHash, changes),
    score: driftScore(changes),
    ...(await authorshipOf(parts, { ref, live, changes })),
  };
}

function factsOf(
  { ref, severity, direction, changes }: Finding,
  live: KubeObject,
): Omit<PolicyFacts, 'flapping' | 'atMs'> {
  return {
    environment: ref.environment,
    kind: ref.kind,
    namespace: ref.namespace,
    name: ref.name,
    managers: changes.map((one) => one.who),
    labels: live.metadata.labels ?? {},
    filters: [],
    types: ['ExtraResource'],
    severity,
    direction,
  };
}
