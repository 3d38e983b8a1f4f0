import type { z } from 'zod';
import { describeStep, type Plan } from '../drift/decide/plan.ts';
import { proposedRule } from '../drift/decide/proposed-rule.ts';
import type {
  AnalysisRun,
  DecisionRow,
  Episode,
  Finding,
  Question,
  StepEntry,
} from '../drift/decide/record.ts';
import { resourceId } from '../drift/resource-ref.ts';
import type { DriftRecord, Statistics } from '../store/types.ts';
import type * as schemas from './schemas.ts';
import type { costFields } from './schemas-advice.ts';
import type { ApiDeps } from './types.ts';

/** Our words in the words of the wire: snake_case, null for what is not there, DriftGuard's names where it has one. */

type Links = ApiDeps['links'];
type Wire<Schema extends z.ZodType> = z.input<Schema>;

export function presentRecord(links: Links, record: DriftRecord): Wire<typeof schemas.record> {
  const { ref } = record;
  return {
    id: record.id,
    resource_id: resourceId(ref),
    environment: ref.environment,
    group: ref.group,
    version: ref.version,
    kind: ref.kind,
    namespace: ref.namespace,
    name: ref.name,
    drift_detected: record.status === 'active',
    drift_status: record.status,
    severity: record.finding?.severity ?? null,
    ...presentFinding(record.finding),
    desired_state: toWire(record.desiredState),
    live_state: toWire(record.liveState),
    last_known_good_hash: record.desiredHash,
    first_detected: record.firstDetected ?? null,
    resolved_at: record.resolvedAt ?? null,
    resolution_message: record.resolutionMessage,
    last_updated: record.lastUpdated,
    created_at: record.createdAt,
    outcome: record.outcome ?? null,
    rule: record.rule ?? null,
    policy_outcome: record.policyOutcome ?? null,
    episode_id: record.episodeId ?? null,
    question_id: record.questionId ?? null,
    ...presentWorkflow(links, record.workflowId, record.runId),
  };
}

export function presentEpisode(
  links: Links,
  episode: Episode,
  steps: readonly StepEntry[],
): Wire<typeof schemas.history>['episodes'][number] {
  return {
    episode_id: episode.episodeId,
    first_detected: episode.firstDetected,
    ended_at: episode.endedAt ?? null,
    outcome: episode.outcome,
    message: episode.message ?? null,
    rule: episode.rule ?? null,
    policy_outcome: episode.policyOutcome ?? null,
    severity: episode.finding?.severity ?? null,
    ...presentFinding(episode.finding),
    ...presentWorkflow(links, episode.workflowId, episode.runId),
    steps: steps.map(({ step, key, attempt, status, at, message }) => {
      return { step, key, attempt, status, at, message: message ?? null };
    }),
  };
}

export function presentQuestion(links: Links, question: Question): Wire<typeof schemas.question> {
  return {
    id: question.id,
    kind: question.kind,
    number: question.number,
    environment: question.environment,
    resource_id: question.ref ? resourceId(question.ref) : null,
    unit: question.unit ?? null,
    severity: question.severity,
    summary: question.summary,
    ...presentFinding(question.finding),
    plans: question.plans.map(presentPlan),
    offered: question.offered,
    digest: question.digest,
    rule: question.rule,
    quorum: question.quorum,
    approvers: [...question.approvers],
    approvals: [...question.approvals],
    break_glass: [...(question.breakGlass ?? [])],
    because: question.because ?? null,
    fights: (question.fights ?? []).map((fight) => {
      const { path, opponent, desired, live, fixes, since } = fight;
      const said = { field: path, opponent, from: toWire(desired), to: toWire(live), fixes, since };
      return { ...said, ignore_rule: question.ref ? proposedRule(question.ref, fight) : null };
    }),
    reminded: question.reminded ?? 0,
    called_in: [...(question.escalatedTo ?? [])],
    status: question.status,
    asked_at: question.askedAt,
    expires_at: question.expiresAt,
    closed_at: question.closedAt ?? null,
    episode_id: question.episodeId,
    ...presentWorkflow(links, question.workflowId),
    approve_command: `realign approve ${question.id} --digest ${question.digest}`,
    decisions_path: `/api/v1/questions/${encodeURIComponent(question.id)}/decisions`,
  };
}

export function presentDecision(
  row: DecisionRow,
): Wire<typeof schemas.questionDetail>['decisions'][number] {
  return {
    decision_id: row.decisionId,
    decision: row.decision,
    person: row.person,
    roles: [...row.roles],
    door: row.door,
    slack_user: row.slackUser ?? null,
    slack_team: row.slackTeam ?? null,
    slack_name: row.slackName ?? null,
    digest: row.digest,
    quorum: row.quorum ?? null,
    approvals_before: row.approvals ? [...row.approvals] : null,
    groups: row.groups ? presentMembers(row.groups) : null,
    request_id: row.requestId ?? null,
    update_id: row.updateId ?? null,
    reason: row.reason,
    snooze_until: row.snoozeUntil ?? null,
    at: row.at,
    result: row.result,
    refusal: row.refusal ?? null,
  };
}

function presentMembers(groups: NonNullable<DecisionRow['groups']>) {
  const entries = Object.entries(groups).map(([name, ids]) => [name, ids && [...ids]] as const);
  return Object.fromEntries(entries);
}

export function presentRun(links: Links, run: AnalysisRun): Wire<typeof schemas.analysisRun> {
  return {
    run_id: run.runId,
    status: run.status,
    scope: { ...run.scope },
    started_at: run.startedAt,
    ended_at: run.endedAt ?? null,
    total: run.total,
    checked: run.checked,
    drifted: run.drifted,
    errors: [...run.errors],
    ...presentWorkflow(links, run.workflowId),
  };
}

/** DriftGuard's arithmetic: percentages of all records, not rounded; nothing compared yet is 0 %. */
export function presentStatistics(
  counts: Statistics,
): Omit<
  Wire<typeof schemas.statistics>['statistics'],
  'open_questions' | 'active_by_severity' | keyof typeof costFields
> {
  const percentage = (part: number) => (counts.total === 0 ? 0 : (part / counts.total) * 100);
  return {
    total_records: counts.total,
    active_drift: counts.active,
    resolved_drift: counts.resolved,
    no_drift: counts.none,
    recent_active_drift: counts.activeLastDay,
    recent_resolutions: counts.resolvedLastDay,
    active_percentage: percentage(counts.active),
    resolved_percentage: percentage(counts.resolved),
  };
}

export function presentWorkflow(links: Links, workflowId?: string, runId?: string) {
  if (workflowId === undefined) return { workflow_id: null, workflow_url: null };
  return { workflow_id: workflowId, workflow_url: links.workflowUrl(workflowId, runId) };
}

function presentFinding(finding: Finding | undefined) {
  return {
    drift_details: (finding?.changes ?? []).map((change) => ({
      field: change.path,
      from: toWire(change.desired),
      to: toWire(change.live),
      type: change.type,
      severity: change.severity,
      op: change.op,
      who: change.who,
      when: change.when ?? null,
      confidence: change.confidence,
      redacted: change.redacted ?? false,
    })),
    omitted_details: finding?.omitted ?? 0,
    direction: finding?.direction ?? null,
    who: finding?.who ?? null,
    ahead: finding?.ahead ?? null,
    author: finding?.author ?? null,
    possible_authors: [...(finding?.authors ?? [])],
    cost_delta_usd_monthly: finding?.costDeltaUsdMonthly ?? null,
    availability_risks: [...(finding?.availabilityRisks ?? [])],
    score: finding?.score ?? null,
  };
}

export function presentPlan(plan: Plan): Wire<typeof schemas.question>['plans'][number] {
  return {
    fix: plan.fix,
    description: plan.description,
    steps: plan.steps.map((step) => ({
      kind: step.kind,
      description: describeStep(step),
      unit: `${step.unit.space}/${step.unit.slug}`,
      environment: 'environment' in step ? step.environment : null,
    })),
    reach: plan.reach.map(
      ({ environment, resource, path, from, to, keptBy = null, isDeleted = false }) => {
        const values = { from: toWire(from), to: toWire(to) };
        return { environment, resource, path, ...values, kept_by: keptBy, deleted: isDeleted };
      },
    ),
  };
}

type WireJson = Wire<typeof schemas.record>['desired_state'];

/** zod's JSON type is the same as ours but for `readonly`; a missing value is null on the wire. */
function toWire(value: unknown): WireJson {
  return (value ?? null) as WireJson;
}
