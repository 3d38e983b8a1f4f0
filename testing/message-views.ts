import type { Plan, UnitRef } from '../drift/decide/plan.ts';
import type { DecisionRow, Episode, Finding, Question, StepEntry } from '../drift/decide/record.ts';
import type { FieldChange } from '../drift/field-change.ts';
import { type MessageFacts, makeMessageView } from '../drift/message/make-message-view.ts';
import type { AnalysisNote, MessageState, MessageView } from '../drift/message/message-view.ts';

/** One view for each state, built from records as the store gives them, for goldens, pictures and tests. */

const DIGEST = '3f9a1c2e'.repeat(8);
const EPISODE = 'episode-01';
const unitOf = (space: string): UnitRef => ({
  ...{ space, spaceId: `${space}-id`, slug: 'checkout', unitId: `${space}-checkout-id` },
});
const PROD = unitOf('shop-prod');

const CHANGES: readonly FieldChange[] = [
  {
    path: 'spec.replicas',
    op: 'changed',
    ...{ desired: 3, live: 5, type: 'Scaling', severity: 'medium' },
    ...{ who: 'kubectl-edit', when: '2026-11-20T16:57:10Z', confidence: 'high' },
  },
  {
    path: 'spec.template.spec.containers[name=api].image',
    op: 'changed',
    ...{ desired: 'shop/checkout:2.4.1', live: 'shop/checkout:2.4.2-hotfix' },
    ...{ type: 'VersionChange', severity: 'high', who: 'kubectl-edit' },
    ...{ when: '2026-11-20T16:57:41Z', confidence: 'high' },
  },
  {
    path: 'spec.template.spec.containers[name=api].env[name=API_TOKEN].value',
    op: 'changed',
    ...{ desired: '24 bytes', live: '32 bytes', redacted: true },
    ...{ type: 'SecretChange', severity: 'high', who: 'kubectl-edit', confidence: 'high' },
  },
];

export const REF = {
  ...{ environment: 'prod', group: 'apps', version: 'v1' },
  ...{ kind: 'Deployment', namespace: 'shop', name: 'checkout' },
};
const RESOURCE = 'Deployment/shop/checkout';

export const FINDING: Finding = {
  ref: REF,
  ...{ uid: 'uid-1', resourceVersion: '812', changes: CHANGES, omitted: 0 },
  ...{ severity: 'high', direction: 'forward', who: 'kubectl-edit' },
  ...{ author: 'jane@shop.example', authors: ['jane@shop.example'] },
  ...{ diffDigest: DIGEST, costDeltaUsdMonthly: 51.84, score: 62 },
};

const PLANS: readonly Plan[] = [
  {
    fix: 'revert',
    description: 'apply unit checkout in shop-prod to prod',
    steps: [{ kind: 'apply', unit: PROD, environment: 'prod', revision: 42 }],
    reach: CHANGES.map(({ path, desired, live }) => ({
      ...{ environment: 'prod', resource: RESOURCE, path },
      ...(live !== undefined && { from: live }),
      ...(desired !== undefined && { to: desired }),
    })),
  },
  {
    fix: 'accept',
    description:
      'write what is live into unit checkout in shop-prod, then upgrade what is downstream',
    steps: [
      { kind: 'write', unit: PROD, revision: 42, paths: CHANGES.map((one) => one.path) },
      { kind: 'apply', unit: PROD, environment: 'prod' },
      {
        ...{ kind: 'upgrade', unit: unitOf('shop-prod-eu'), upstream: PROD, revision: 17 },
        ...{ fromRevision: 42, environment: 'prod-eu' },
      },
      { kind: 'apply', unit: unitOf('shop-prod-eu'), environment: 'prod-eu' },
    ],
    reach: [{ environment: 'prod-eu', resource: RESOURCE, path: 'spec.replicas', from: 3, to: 5 }],
  },
];

export const NOTE: AnalysisNote = {
  summary: 'Somebody scaled checkout up and put a hotfix image in place within one minute.',
  probableCause: 'An incident was handled by hand; the image tag is not in the registry history.',
  effect: 'Reverting restarts five pods and takes the hotfix away.',
  ...{ risk: 72, riskReason: 'Three of five pods go away while traffic is at its daily peak.' },
  ...{ recommendation: 'look-closer', confidence: 'medium', model: 'claude-opus' },
};

export const QUESTION: Question = {
  ...{ id: `${EPISODE}-1`, kind: 'drift', number: 1, episodeId: EPISODE },
  workflowId: 'drift:prod:Deployment.apps:shop:checkout',
  ...{ environment: 'prod', ref: REF, severity: 'high', finding: FINDING, plans: PLANS },
  summary: `${RESOURCE}: spec.replicas: 3 → 5 (and 2 more), by jane@shop.example`,
  ...{ offered: 'revert', digest: DIGEST, rule: 'prod', quorum: 2 },
  ...{ approvers: ['anna', 'ben', 'role:admin'], approvals: [], barred: ['jane@shop.example'] },
  ...{ status: 'open', askedAt: '2026-11-20T16:57:50Z', expiresAt: '2026-11-20T20:57:50Z' },
};

const OPEN: Episode = {
  ...{ episodeId: EPISODE, ref: REF, workflowId: QUESTION.workflowId, runId: 'run-1' },
  ...{ firstDetected: '2026-11-20T16:57:12Z', finding: FINDING, rule: 'prod' },
  ...{ policyOutcome: 'ask', outcome: 'waiting' },
};

const ended = (outcome: Episode['outcome'], message: string, endedAt?: string): Episode => ({
  ...{ ...OPEN, outcome, message },
  ...(endedAt !== undefined && { endedAt }),
});

export function decisionOf(
  person: string,
  decision: DecisionRow['decision'],
  at: string,
  reason = '',
): DecisionRow {
  return {
    ...{ decisionId: `${person}-${decision}`, questionId: QUESTION.id, decision, person },
    ...{ roles: ['approver'], digest: DIGEST, reason, at: `2026-11-20T${at}Z`, result: 'taken' },
    door: person === 'ben' ? 'dashboard' : 'slack',
    ...(decision === 'snooze' && { snoozeUntil: '2026-11-20T21:02:00Z' }),
  };
}

const ANNA = decisionOf('anna', 'approve', '17:02:00', 'The hotfix is in release 2.4.3.');
const BEN = decisionOf('ben', 'approve', '17:05:20');

/** Of on-call, who approves alone. */
const DORA: DecisionRow = {
  ...decisionOf('dora', 'approve', '17:05:20', 'Checkout is down and nobody else is awake.'),
  roles: ['approver', '@on-call', 'break-glass'],
};
const EMERGENCY: Question = { ...QUESTION, breakGlass: ['@on-call'] };

const step = (name: string, key: string, status: StepEntry['status'], at: string): StepEntry => ({
  ...{ episodeId: EPISODE, step: name, key, attempt: 1, status, at: `2026-11-20T${at}Z` },
});
const FIXING = [
  step('openChangeSet', 'change-set#1', 'done', '17:05:23'),
  step('applyUnit', `${PROD.unitId}#1`, 'started', '17:05:24'),
];
const DONE = [
  FIXING[0],
  step('applyUnit', `${PROD.unitId}#1`, 'done', '17:05:58'),
  step('verify', '1', 'done', '17:06:01'),
].filter((one) => one !== undefined);

const BASE: Omit<MessageFacts, 'episode' | 'question'> = {
  ...{ cluster: 'cluster-a', unit: 'shop-prod/checkout', isProduction: true },
  approvalChannel: 'slack',
  costLine: '+$51.84 a month while it lasts',
  availabilityLine: 'the image is not the declared one; 5 of 3 declared replicas run',
  links: {
    bases: [
      'https://realign.shop.example/drifts/',
      'https://temporal.shop.example',
      'https://hub.confighub.com',
    ],
    dashboard: 'https://realign.shop.example/drifts/episode-01',
    workflow: 'https://temporal.shop.example/namespaces/default/workflows/drift-prod-checkout',
    unit: 'https://hub.confighub.com/spaces/shop-prod/units/checkout',
  },
};

const closed = (status: Question['status'], approvals: readonly string[] = []): Question => ({
  ...{ ...QUESTION, status, approvals, closedAt: '2026-11-20T17:05:21Z' },
});
const UNTIL_FIXED = { question: closed('approved', ['anna', 'ben']), decisions: [ANNA, BEN] };

/** What the store holds in each state. */
const FACTS: Readonly<Record<string, Partial<MessageFacts>>> = {
  analysing: { episode: { ...OPEN, outcome: 'detecting' } },
  waiting: { episode: OPEN, question: QUESTION, note: NOTE },
  'waiting-1-of-2': {
    episode: OPEN,
    question: { ...QUESTION, approvals: ['anna'], reminded: 1, escalatedTo: ['role:admin'] },
    decisions: [ANNA],
    note: NOTE,
  },
  'waiting-on-the-web': { episode: OPEN, question: QUESTION, approvalChannel: 'web' },
  'waiting-elsewhere': {
    ...{ episode: OPEN, question: QUESTION, approvalChannel: 'web', links: { bases: [] } },
  },
  approved: { episode: OPEN, ...UNTIL_FIXED },
  'waiting-with-break-glass': { episode: OPEN, question: EMERGENCY },
  'fixing-alone': {
    episode: { ...OPEN, outcome: 'fixing' },
    question: { ...EMERGENCY, status: 'approved', approvals: ['dora'] },
    decisions: [DORA],
    steps: FIXING,
  },
  fixing: { episode: { ...OPEN, outcome: 'fixing' }, ...UNTIL_FIXED, steps: FIXING },
  fixed: {
    episode: ended('fixed', 'Fixed checkout: 3 fields.', '2026-11-20T17:06:01Z'),
    ...{ ...UNTIL_FIXED, steps: DONE, note: NOTE },
  },
  'partly-fixed': {
    episode: ended(
      'partly-fixed',
      'Still different: spec.template.spec.containers[name=debug]. To finish by hand: kubectl -n shop edit deployment/checkout',
    ),
    ...UNTIL_FIXED,
  },
  failed: {
    episode: ended(
      'failed',
      'ConfigHub refused the apply: the target of shop-prod is not connected.',
    ),
    ...UNTIL_FIXED,
  },
  rejected: {
    episode: ended('rejected', 'Rejected by anna; nothing was changed.'),
    question: closed('rejected'),
    decisions: [decisionOf('anna', 'reject', '17:02:00', 'The hotfix has to stay until tonight.')],
  },
  'accepted-live': {
    episode: ended('accepted', 'Accepted checkout: 3 fields.', '2026-11-20T17:06:12Z'),
    question: closed('accepted', ['anna', 'ben']),
    decisions: [
      decisionOf('anna', 'accept', '17:02:00', 'Five replicas are right from now on.'),
      decisionOf('ben', 'accept', '17:05:20'),
    ],
  },
  snoozed: {
    episode: ended('snoozed', 'Snoozed by anna until 2026-11-20T21:02:00.000Z.'),
    question: closed('snoozed'),
    decisions: [decisionOf('anna', 'snooze', '17:02:00')],
  },
  expired: {
    episode: ended('expired', 'Nobody decided in time; nothing was changed.'),
    question: { ...closed('expired'), closedAt: QUESTION.expiresAt },
  },
  superseded: { episode: OPEN, question: closed('withdrawn') },
  resolved: {
    episode: ended(
      'resolved',
      'Drift resolved. Configuration now matches ConfigHub.',
      '2026-11-20T17:03:40Z',
    ),
    question: closed('withdrawn'),
  },
  tracked: {
    episode: {
      ...ended('tracked', 'Rule flapping only records this drift.'),
      policyOutcome: 'track',
    },
  },
  notified: {
    episode: {
      ...ended('tracked', 'Rule staging only tells of this drift.'),
      policyOutcome: 'notify',
    },
  },
  'fixed-without-asking': {
    episode: {
      ...ended('fixed', 'Fixed checkout: 3 fields.', '2026-11-20T16:57:20Z'),
      ...{ policyOutcome: 'auto', rule: 'development' },
    },
  },
  promotion: { question: promotionQuestion() },
};

function promotionQuestion(): Question {
  const { ref: _ref, finding: _finding, barred: _barred, ...rest } = QUESTION;
  return {
    ...{ ...rest, kind: 'promotion', id: 'episode-00-shop-prod-1', severity: 'info' },
    unit: 'shop-prod/checkout',
    summary: 'Push-upgrade checkout from shop-staging: revision 41 → 42',
    ...{ quorum: 1, approvers: [], plans: promotionPlans() },
  };
}

function promotionPlans(): readonly Plan[] {
  const upgrade = { unit: PROD, upstream: unitOf('shop-staging'), environment: 'prod' };
  return [
    {
      fix: 'revert',
      description:
        'upgrade unit checkout in shop-prod to revision 42 of shop-staging, then apply it',
      steps: [
        { kind: 'upgrade', ...upgrade, revision: 17, fromRevision: 41, toRevision: 42 },
        { kind: 'apply', unit: PROD, environment: 'prod' },
      ],
      reach: [
        { environment: 'prod', resource: RESOURCE, path: 'spec.replicas', from: 3, to: 4 },
        {
          environment: 'prod',
          resource: 'ConfigMap/shop/checkout',
          path: 'data.log_level',
          from: 'info',
          to: 'warn',
        },
      ],
    },
  ];
}

export function viewOf(facts: Partial<MessageFacts>): MessageView {
  const view = makeMessageView({ ...BASE, ...facts });
  if (!view) throw new Error('neither an episode nor a question');
  return view;
}

/** By the name of the golden file. */
export const VIEWS: Readonly<Record<string, MessageView>> = Object.fromEntries(
  Object.entries(FACTS).map(([name, facts]) => [name, viewOf(facts)]),
);

/** States that have a view; a test holds that none is left out. */
export const SHOWN_STATES: ReadonlySet<MessageState> = new Set(
  Object.values(VIEWS).map((one) => one.state),
);
