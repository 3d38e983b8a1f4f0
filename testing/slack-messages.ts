import { makeDigestView } from '../drift/message/digest-view.ts';
import type { MessageView } from '../drift/message/message-view.ts';
import { renderDrifts, renderHelp, renderStatus } from '../slack/commands.ts';
import { renderDigest } from '../slack/digest.ts';
import { renderHome } from '../slack/home.ts';
import { renderReasonModal } from '../slack/modals.ts';
import { renderNotStored, renderRefusal } from '../slack/refusals.ts';
import { type Message, renderDrift } from '../slack/render.ts';
import { renderProgress, renderReply } from '../slack/thread.ts';
import { VIEWS } from './message-views.ts';

/** Everything that people are shown in Slack, by the name of its golden file and picture. */

const AT = '2026-11-20T17:10:00Z';
const MENTIONS = { users: ['U0ANNA'], groups: ['S0PROD'] };
const waiting = viewNamed('waiting');
const fixing = viewNamed('fixing');
const failed = viewNamed('failed');
const fixed = viewNamed('fixed');
const promotion = viewNamed('promotion');
const asked = viewNamed('waiting-1-of-2');
const alone = viewNamed('fixing-alone');

export const STORM = makeDigestView(
  {
    ...{ id: 'digest-01', startedAt: '2026-11-20T16:57:00Z' },
    views: [...Array.from({ length: 12 }, (_, at) => inDevelopment(at)), fixed, failed, promotion],
  },
  (digests) => digests.join('').slice(0, 64),
);

export const MESSAGES: Readonly<Record<string, Message>> = {
  ...Object.fromEntries(Object.entries(VIEWS).map(([name, view]) => [name, renderDrift(view)])),
  digest: renderDigest(STORM),
  'thread-progress': renderProgress(fixing) ?? renderDrift(fixing),
  'thread-approval': reply({ kind: 'approval', decision: firstDecision(asked) }),
  'thread-alone': reply({ kind: 'alone', decision: firstDecision(alone) }, alone),
  'thread-changed': reply({ kind: 'changed' }),
  'thread-failed': reply({ kind: 'failed' }, failed),
  'thread-reminder': reply({ kind: 'reminder', mentions: MENTIONS, isLast: true }),
  'thread-escalation': reply({ kind: 'escalation', mentions: MENTIONS }),
  'thread-expired': reply({ kind: 'expired' }, viewNamed('expired')),
  'thread-ended': reply({ kind: 'ended' }, fixed),
  'command-status': renderStatus({
    at: AT,
    environments: [
      { name: 'prod', bySeverity: { high: 1 }, waiting: 1 },
      { name: 'dev', bySeverity: {}, waiting: 0 },
    ],
  }),
  'command-drifts': renderDrifts([waiting, failed], 5),
  'command-help': renderHelp('aprove'),
  'refused-stale': renderRefusal('DIGEST_STALE', 'the question is now episode-01-2'),
  'not-stored': renderNotStored({
    ...{ requestId: 'req-1', command: 'realign approve episode-01-1' },
  }),
};

/** The same for what is no message. */
export const SLACK_VIEWS = {
  'modal-reject': renderReasonModal('reject', waiting, '{}'),
  'modal-accept': renderReasonModal('accept', waiting, '{}'),
  'modal-break-glass': renderReasonModal('breakGlass', waiting, '{}'),
  'app-home': renderHome({
    ...{ person: 'anna', waitingForMe: [waiting], waitingForOthers: [promotion] },
    ...{ recentlyEnded: [fixed], otherOpen: 2, at: AT },
  }),
};

export function viewNamed(name: string): MessageView {
  const view = VIEWS[name];
  if (!view) throw new Error(`there is no view ${name}`);
  return view;
}

function inDevelopment(at: number): MessageView {
  const { question, ref, fixes } = waiting;
  const name = `web-${at}`;
  const reached = { environment: 'dev', resources: [`Deployment/shop/${name}`], fields: 3 };
  return {
    ...{ ...waiting, episodeId: `episode-${at}`, environment: 'dev', isProduction: false },
    ...{ rule: 'development', unit: `shop-dev/${name}` },
    ...(ref && { ref: { ...ref, environment: 'dev', name } }),
    ...(question && {
      question: {
        ...{ ...question, id: `episode-${at}-1`, digest: `${at}`.repeat(64).slice(0, 64) },
        ...{ quorum: 1, approvers: [] },
      },
    }),
    fixes: fixes.map((fix) => ({ ...fix, reach: [{ ...reached, units: [`shop-dev/${name}`] }] })),
  };
}

function firstDecision({ decisions: [first] }: MessageView) {
  if (!first) throw new Error('nobody has decided');
  return first;
}

function reply(what: Parameters<typeof renderReply>[1], view = asked): Message {
  const { text, blocks } = renderReply(view, what);
  return { text, blocks };
}
