import { summarise } from '../decide/describe.ts';
import { describeFight } from '../decide/fight.ts';
import {
  deletedObjects,
  describeStep,
  overwrittenKept,
  type Plan,
  type PlanStep,
} from '../decide/plan.ts';
import { fixOf, isAlone } from '../decide/question.ts';
import type { DecisionRow, Episode, Finding, Question, StepEntry } from '../decide/record.ts';
import { formatResource } from '../resource-ref.ts';
import {
  type AnalysisNote,
  type ChangedBy,
  type DecisionView,
  type FixView,
  type MessageLinks,
  type MessageView,
  type QuestionView,
  type ReachView,
  stateOf,
} from './message-view.ts';
import { progressOf } from './progress.ts';

/** What the store and the configuration know of one drift or promotion. At least one of episode and question is there. */
export type MessageFacts = {
  readonly episode?: Episode;
  /** The newest question of the episode. */
  readonly question?: Question;
  readonly decisions?: readonly DecisionRow[];
  /** Oldest first. */
  readonly steps?: readonly StepEntry[];
  readonly note?: AnalysisNote;
  readonly costLine?: string;
  readonly availabilityLine?: string;
  readonly unit?: string;
  readonly cluster?: string;
  readonly isProduction: boolean;
  readonly approvalChannel: 'slack' | 'web';
  readonly links: MessageLinks;
};

/** All that people are shown, from what is known. Undefined where neither an episode nor a question is. */
export function makeMessageView(facts: MessageFacts): MessageView | undefined {
  const { episode, question } = facts;
  const about = question ?? episode;
  if (!about) return undefined;
  const finding = episode?.finding ?? question?.finding;
  const decisions = (facts.decisions ?? []).filter((one) => one.result === 'taken').map(toDecision);
  const ref = episode?.ref ?? question?.ref;
  const rule = question?.rule ?? episode?.rule;
  const unit = facts.unit ?? question?.unit ?? unitOf(question);
  return {
    about: question?.kind ?? 'drift',
    state: stateOf(episode, question),
    episodeId: about.episodeId,
    workflowId: about.workflowId,
    environment: ref?.environment ?? question?.environment ?? '',
    isProduction: facts.isProduction,
    approvalChannel: facts.approvalChannel,
    ...(facts.cluster !== undefined && { cluster: facts.cluster }),
    ...(ref && { ref }),
    ...(unit !== undefined && { unit }),
    severity: finding?.severity ?? question?.severity ?? 'info',
    types: [...new Set((finding?.changes ?? []).map((one) => one.type))],
    direction: finding?.direction ?? 'unknown',
    summary: question?.summary ?? summaryOf(finding),
    firstSeen: episode?.firstDetected ?? question?.askedAt ?? '',
    changedBy: changedBy(finding),
    changes: finding?.changes ?? [],
    omitted: finding?.omitted ?? 0,
    ...(finding?.ahead !== undefined && { ahead: finding.ahead }),
    ...(rule !== undefined && { rule }),
    ...(episode?.policyOutcome !== undefined && { policyOutcome: episode.policyOutcome }),
    ...(question?.because !== undefined && { because: question.because }),
    fights: (question?.fights ?? []).map(describeFight),
    fixes: (question?.plans ?? []).map(toFix),
    ...(question && { question: toQuestion(question) }),
    decisions,
    progress: progressOf(chosenPlan(question, decisions), facts.steps ?? []),
    ...endOf(episode, decisions),
    ...(facts.note && { note: facts.note }),
    ...(facts.costLine !== undefined && { costLine: facts.costLine }),
    ...(facts.availabilityLine !== undefined && { availabilityLine: facts.availabilityLine }),
    links: facts.links,
  };
}

/** Who made a difference, as sure as the audit log makes it. */
export function changedBy(finding: Finding | undefined): ChangedBy {
  if (!finding) return { certainty: 'unknown' };
  const { author, authors, who: manager } = finding;
  if (author !== undefined) return { certainty: 'audit-log', author, manager };
  if (authors && authors.length > 0) return { certainty: 'possible', authors, manager };
  return manager === 'unknown' || manager === ''
    ? { certainty: 'unknown' }
    : { certainty: 'field-manager', manager };
}

/** What a plan touches, by environment, in the order of its steps. */
export function reachOf({ steps, reach }: Plan): readonly ReachView[] {
  const names = new Set<string>();
  for (const step of steps)
    if (step.kind !== 'ask' && 'environment' in step) names.add(step.environment);
  for (const entry of reach) names.add(entry.environment);
  return [...names].map((environment) => {
    const entries = reach.filter((one) => one.environment === environment);
    const units = steps.flatMap((step) =>
      step.kind !== 'ask' && 'environment' in step && step.environment === environment
        ? [`${step.unit.space}/${step.unit.slug}`]
        : [],
    );
    return {
      environment,
      resources: [...new Set(entries.map((one) => one.resource))],
      fields: entries.length,
      units: [...new Set(units)],
    };
  });
}

function toFix(plan: Plan): FixView {
  return {
    fix: plan.fix,
    description: plan.description,
    steps: plan.steps.map(stepLine),
    reach: reachOf(plan),
    changes: plan.reach,
    overwrites: overwrittenKept(plan),
    deletes: deletedObjects(plan),
  };
}

/** The fields that are written are those that differ: they are shown already. */
function stepLine(step: PlanStep): string {
  if (step.kind !== 'write' || step.paths.length < 3) return describeStep(step);
  return `write ${step.paths.length} fields into unit ${step.unit.space}/${step.unit.slug}`;
}

function toQuestion(question: Question): QuestionView {
  return {
    id: question.id,
    number: question.number,
    workflowId: question.workflowId,
    digest: question.digest,
    status: question.status,
    quorum: question.quorum,
    approvers: question.approvers,
    approvals: question.approvals,
    barred: question.barred ?? [],
    breakGlass: question.breakGlass ?? [],
    askedAt: question.askedAt,
    expiresAt: question.expiresAt,
    frozen: question.frozen ?? [],
    reminded: question.reminded ?? 0,
    escalatedTo: question.escalatedTo ?? [],
  };
}

function toDecision(row: DecisionRow): DecisionView {
  const { person, decision, door, at, reason, snoozeUntil } = row;
  return {
    ...{ person, decision, door, at, reason },
    ...(snoozeUntil !== undefined && { snoozeUntil }),
    ...(isAlone(row) && { isAlone: true }),
  };
}

/** The plan that is or was carried out; before anybody decided, and where nobody is asked, the one that is offered. */
function chosenPlan(
  question: Question | undefined,
  decisions: readonly DecisionView[],
): Plan | undefined {
  const last = decisions.findLast((one) => one.decision === 'approve' || one.decision === 'accept');
  const fix = last ? fixOf(last.decision) : 'revert';
  return question?.plans.find((one) => one.fix === fix) ?? question?.plans[0];
}

function endOf(
  episode: Episode | undefined,
  decisions: readonly DecisionView[],
): Pick<MessageView, 'outcome' | 'message' | 'endedAt' | 'fixTookMs' | 'snoozedUntil'> {
  const snoozedUntil = decisions.findLast((one) => one.decision === 'snooze')?.snoozeUntil;
  const { outcome, message, endedAt } = episode ?? {};
  const isFixed = outcome === 'fixed' || outcome === 'accepted';
  const sinceMs = Date.parse(
    decisions.findLast((one) => one.decision !== 'snooze')?.at ?? episode?.firstDetected ?? '',
  );
  const tookMs = Date.parse(endedAt ?? '') - sinceMs;
  return {
    ...(outcome !== undefined && { outcome }),
    ...(message !== undefined && { message }),
    ...(endedAt !== undefined && { endedAt }),
    ...(isFixed && tookMs >= 0 && { fixTookMs: tookMs }),
    ...(snoozedUntil !== undefined && { snoozedUntil }),
  };
}

function unitOf(question: Question | undefined): string | undefined {
  const step = question?.plans[0]?.steps[0];
  return step && `${step.unit.space}/${step.unit.slug}`;
}

function summaryOf(finding: Finding | undefined): string {
  return finding ? `${formatResource(finding.ref)}: ${summarise(finding)}` : '';
}
