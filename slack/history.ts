import type { RichTextBlock, RichTextElement } from '@slack/types';
import type { DecisionView, MessageView, ProgressStep } from '../drift/message/message-view.ts';
import { bold, bullets, paragraph, rich, text, time } from './blocks.ts';
import { SHOWN } from './limits.ts';
import { formatTook, shorten, truncate } from './text.ts';
import { DECISION_WORDS, DOOR_WORDS, resourceArgument, wordingOf } from './wording.ts';

/** Who decided what, when, through which door, and what came of it. */

type Line = readonly RichTextElement[];

/** `Approved by anna at 17:02, ben at 17:05 · fixed 17:06 in 41 s`, the reasons, and what can be done now. */
export function outcomeBlock(view: MessageView): RichTextBlock | undefined {
  const { decisions, state } = view;
  if (state === 'waiting' && decisions.length === 0 && view.message === undefined) return undefined;
  const ending = endingOf(view);
  const decided = decidedLine(decisions);
  const first: Line =
    decided.length > 0 && ending.length > 0
      ? [...decided, text(' · '), ...ending]
      : [...decided, ...ending];
  const reasons = decisions
    .filter((one) => one.reason !== '')
    .slice(-SHOWN.decisions)
    .map(reasonItem);
  const rest = state === 'waiting' ? [] : afterwards(view);
  const elements = [
    ...(first.length > 0 ? [paragraph([first])] : []),
    ...(reasons.length > 0 ? [bullets(reasons)] : []),
    ...(rest.length > 0 ? [paragraph(rest)] : []),
  ];
  return elements.length > 0 ? rich(elements) : undefined;
}

function decidedLine(decisions: readonly DecisionView[]): Line {
  const groups = Map.groupBy(decisions.slice(-SHOWN.decisions), (one) => one.decision);
  return [...groups].flatMap(([decision, some], at) => [
    ...(at > 0 ? [text(' · ')] : []),
    bold(`${DECISION_WORDS[decision]} by `),
    ...some.flatMap((one, index) => [
      ...(index > 0 ? [text(', ')] : []),
      bold(shorten(one.person, SHOWN.nameChars)),
      text(' at '),
      time(one.at, 'time'),
      text(` via ${DOOR_WORDS[one.door]}${one.isAlone ? ', alone in an emergency' : ''}`),
    ]),
  ]);
}

function reasonItem({ person, reason }: DecisionView): Line {
  return [bold(`${shorten(person, SHOWN.nameChars)}: `), text(truncate(reason, SHOWN.reasonChars))];
}

function endingOf(view: MessageView): Line {
  const { state, endedAt, fixTookMs, snoozedUntil } = view;
  if (state === 'snoozed' && snoozedUntil !== undefined) {
    return [bold('asked again '), time(snoozedUntil, 'moment')];
  }
  if (endedAt === undefined) return [];
  const took = fixTookMs === undefined ? [] : [text(` in ${formatTook(fixTookMs)}`)];
  const { word } = wordingOf(view);
  const isAlone = view.decisions.length === 0;
  const unasked = isAlone && state === 'fixed' ? ' without asking' : '';
  const by =
    isAlone && view.rule !== undefined && unasked !== '' ? ` (rule ${shorten(view.rule, 60)})` : '';
  return [
    bold(isAlone ? word : word.toLowerCase()),
    text(`${unasked}${by} at `),
    time(endedAt, 'time'),
    ...took,
  ];
}

/** What was done or is left, in the words of the record, and how to ask again. */
function afterwards(view: MessageView): readonly Line[] {
  const { state } = view;
  const next = nextStep(view);
  // Who and until when is said above already.
  const isSaid = (state === 'snoozed' || state === 'rejected') && view.decisions.length > 0;
  const message = isSaid ? undefined : view.message;
  return [
    ...(message ? [[text(truncate(message, SHOWN.messageChars))]] : []),
    ...(message === undefined && WHY[state] !== undefined ? [[text(WHY[state])]] : []),
    ...(next === undefined ? [] : [[text(next)]]),
  ];
}

const WHY: Readonly<Partial<Record<MessageView['state'], string>>> = {
  analysing: 'Comparing what runs with what is declared.',
  approved: 'The difference and the plan are worked out again before anything is written.',
  superseded: 'What was asked about has changed: approvals so far do not count for it.',
  resolved: 'The drift went away by itself; the question is withdrawn.',
  expired: 'Nobody decided in time; nothing was changed.',
  rejected: 'Nothing was changed.',
};

const ASK_AGAIN: ReadonlySet<MessageView['state']> = new Set<MessageView['state']>([
  ...(['rejected', 'expired', 'snoozed', 'partly-fixed', 'tracked', 'notified'] as const),
]);

function nextStep(view: MessageView): string | undefined {
  const resource = resourceArgument(view);
  if (view.about !== 'drift' || resource === undefined || !ASK_AGAIN.has(view.state))
    return undefined;
  return `To be asked again: realign ask ${shorten(resource, 2 * SHOWN.nameChars)}`;
}

const TICKS: Readonly<Record<ProgressStep['status'], string>> = {
  'to-do': '⬜',
  running: '⏳',
  done: '✅',
  failed: '❌',
};

/** The steps of the fix, ticked: `✅ apply unit shop-prod/checkout to prod`. */
export function progressLines(steps: readonly ProgressStep[]): readonly Line[] {
  return steps
    .slice(0, 3 * SHOWN.steps)
    .map(({ label, status, at, detail }) => [
      text(`${TICKS[status]} `),
      text(truncate(label, SHOWN.lineChars)),
      ...(at !== undefined && status !== 'to-do' ? [text(' · '), time(at, 'time')] : []),
      ...(detail === undefined ? [] : [text(` · ${truncate(detail, SHOWN.lineChars)}`)]),
    ]);
}
