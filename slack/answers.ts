import type { Button, ContextBlock, KnownBlock, Overflow } from '@slack/types';
import type { MessageView, QuestionView } from '../drift/message/message-view.ts';
import { ACTIONS, encodeValue, LINK_PREFIX, MAX_OPTION_VALUE, SNOOZES } from './action-value.ts';
import { actions, button, context, linkButton, menu, own, ownTime } from './blocks.ts';
import { confirmWords } from './fixes.ts';
import { SHOWN } from './limits.ts';
import { countOf, listOf, shorten } from './text.ts';
import { approversOf } from './wording.ts';

/** How people answer a question, and who has to. */

const SNOOZE_LABELS = {
  '1h': 'Snooze 1 hour',
  '4h': 'Snooze 4 hours',
  '1d': 'Snooze 1 day',
} as const;
const DIGEST_DIGITS = 8;
const MAX_FREEZES = 2;

/** Buttons that decide, then buttons that open pages; the deciding ones only while somebody is asked. */
export function answerBlocks(view: MessageView): readonly KnownBlock[] {
  const { question, state } = view;
  const deciding =
    question && state === 'waiting'
      ? [
          ...actions(`act-${versionOf(view)}`, decidingButtons(view, question)),
          ...elsewhereBlocks(view, question),
        ]
      : [];
  return [...deciding, ...actions(`link-${versionOf(view)}`, linkButtons(view))];
}

/** New with each redrawing that changes what may be pressed, as Slack asks for. */
function versionOf({ question, state, episodeId }: MessageView): string {
  if (!question) return `${shorten(episodeId, 40)}-${state}`;
  const { digest, number, approvals, reminded } = question;
  return `${digest.slice(0, DIGEST_DIGITS)}-${state}-${number}.${approvals.length}.${reminded}`;
}

function decidingButtons(
  view: MessageView,
  question: QuestionView,
): readonly (Button | Overflow | undefined)[] {
  const value = encodeValue({ question: question.id, digest: question.digest });
  const isWeb = view.approvalChannel === 'web';
  const hasFix = (fix: 'revert' | 'accept') => view.fixes.some((one) => one.fix === fix);
  const label = view.about === 'drift' ? 'Approve fix' : 'Approve';
  const keepLabel = 'Keep live…';
  const approve = isWeb
    ? approveOnWeb(view, label)
    : button({
        ...{ id: ACTIONS.approve, label, value, style: 'primary' },
        ...(view.isProduction && { confirm: confirmation(view) }),
      });
  const keep = isWeb
    ? linkButton({
        ...{ id: `${LINK_PREFIX}accept`, label: 'Keep live on the web' },
        ...{ url: view.links.dashboard, bases: view.links.bases },
      })
    : button({ id: ACTIONS.accept, label: keepLabel, value });
  return [
    hasFix('revert') ? approve : undefined,
    button({ id: ACTIONS.reject, label: 'Reject…', value }),
    hasFix('accept') ? keep : undefined,
    snoozeMenu(question),
    !isWeb && hasFix('revert') && question.breakGlass.length > 0
      ? button({ id: ACTIONS.breakGlass, label: 'Break glass…', value, style: 'danger' })
      : undefined,
  ];
}

function approveOnWeb({ links }: MessageView, label: string): Button | undefined {
  return linkButton({
    ...{ id: `${LINK_PREFIX}approve`, label: `${label} on the web`, style: 'primary' },
    ...{ url: links.dashboard, bases: links.bases },
  });
}

/** Where approving is not for Slack and there is no page for it, people are told where it is. */
function elsewhereBlocks(view: MessageView, { id }: QuestionView): readonly ContextBlock[] {
  if (view.approvalChannel === 'slack' || approveOnWeb(view, '')) return [];
  return [
    context([
      `Fixes of ${shorten(view.environment, SHOWN.nameChars)} are not approved in Slack`,
      `by the command line: realign approve ${id}`,
    ]),
  ];
}

function confirmation(view: MessageView) {
  return {
    title: `Apply to ${shorten(view.environment, 40)}?`,
    words: confirmWords(view),
    yes: 'Apply',
    no: 'Not yet',
  };
}

/** A menu, or one button where the question's name is too long for what an option may carry. */
function snoozeMenu({ id, digest }: QuestionView): Overflow | Button {
  const options = SNOOZES.map((snoozeFor) => ({
    label: SNOOZE_LABELS[snoozeFor],
    value: encodeValue({ question: id, digest, snoozeFor }),
  }));
  if (options.every(({ value }) => value.length <= MAX_OPTION_VALUE)) {
    return menu(ACTIONS.snooze, options);
  }
  const value = encodeValue({ question: id, digest, snoozeFor: '4h' });
  return button({ id: ACTIONS.snooze, label: SNOOZE_LABELS['4h'], value });
}

/** Pages about the drift, each only where there is one. */
function linkButtons({ links }: Pick<MessageView, 'links'>): readonly (Button | undefined)[] {
  const { bases, dashboard, workflow, unit } = links;
  return [
    linkButton({ id: `${LINK_PREFIX}dashboard`, label: 'Dashboard', url: dashboard, bases }),
    linkButton({ id: `${LINK_PREFIX}workflow`, label: 'Temporal run', url: workflow, bases }),
    linkButton({ id: `${LINK_PREFIX}unit`, label: 'ConfigHub unit', url: unit, bases }),
  ];
}

/** `Needs 2 of the role approver, not jane · 1 of 2 · expires 18:40 · rule prod · diff 3f9a1c2e`. */
export function quorumBlock(view: MessageView): ContextBlock | undefined {
  const { question, rule, state } = view;
  if (!question || state !== 'waiting') return undefined;
  const { quorum, approvals, expiresAt, digest, frozen, reminded, escalatedTo, breakGlass } =
    question;
  const by = approvals.length > 0 ? `: ${listOf(approvals, SHOWN.people)}` : '';
  return context([
    needs(question),
    `${approvals.length} of ${quorum}${by}`,
    own`expires ${ownTime(expiresAt, 'moment')}`,
    ...frozen
      .slice(0, MAX_FREEZES)
      .map(
        ({ fromMs, untilMs }) =>
          own`no approval from ${momentOf(fromMs)} until ${momentOf(untilMs)}`,
      ),
    breakGlass.length > 0 ? `in an emergency ${approversOf(breakGlass)} alone` : '',
    reminded > 0 ? `${countOf(reminded, 'reminder')} sent` : '',
    escalatedTo.length > 0 ? `called in: ${approversOf(escalatedTo)}` : '',
    rule === undefined ? '' : `rule ${shorten(rule, 60)}`,
    `diff ${shorten(digest, DIGEST_DIGITS + 1).slice(0, DIGEST_DIGITS)}`,
  ]);
}

/** `Needs 2 of anna, ben, not jane`. */
export function needs({ quorum, approvers, barred }: QuestionView): string {
  const except =
    barred.length > 0 ? `, not ${listOf(barred, SHOWN.people)} (may have made the change)` : '';
  return `Needs ${quorum} of ${approversOf(approvers)}${except}`;
}

function momentOf(ms: number) {
  return ownTime(new Date(ms).toISOString(), 'moment');
}
