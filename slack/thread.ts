import type { KnownBlock, RichTextElement } from '@slack/types';
import type { DecisionView, MessageView } from '../drift/message/message-view.ts';
import { needs } from './answers.ts';
import { bold, type Mentions, mention, paragraph, rich, text, time } from './blocks.ts';
import { progressLines } from './history.ts';
import { SHOWN } from './limits.ts';
import { fallback, type Message } from './render.ts';
import { countOf, formatTook, shorten, truncate } from './text.ts';
import { DOOR_WORDS, headlineOf, subjectOf, wordingOf } from './wording.ts';

/** What is said below a headline. A reply is only for what somebody should notice; steps are ticked in one message. */
export type Reply =
  /** The question needs more approvals than it has now. */
  | { readonly kind: 'approval'; readonly decision: DecisionView }
  /** Somebody approved alone, in an emergency. */
  | { readonly kind: 'alone'; readonly decision: DecisionView }
  | { readonly kind: 'changed' }
  | { readonly kind: 'failed' }
  | { readonly kind: 'reminder'; readonly mentions: Mentions; readonly isLast: boolean }
  | { readonly kind: 'escalation'; readonly mentions: Mentions }
  | { readonly kind: 'expired' }
  /** The last word: fixed, kept live, rejected, went away, … */
  | { readonly kind: 'ended' };

/** A message for the thread; `isBroadcast` also shows it in the channel. */
type ThreadMessage = Message & { readonly isBroadcast: boolean };

type Line = readonly RichTextElement[];

const TITLES: Readonly<Record<Reply['kind'], string>> = {
  approval: 'One more approval',
  alone: 'Approved alone, in an emergency',
  changed: 'The difference changed',
  failed: 'The fix failed',
  reminder: 'Still waiting',
  escalation: 'Called in',
  expired: 'Expired',
  ended: 'Ended',
};

/** Also shown in the channel. */
const LOUD: ReadonlySet<Reply['kind']> = new Set<Reply['kind']>(['failed', 'alone']);

/** A new message in the thread of a headline. */
export function renderReply(view: MessageView, reply: Reply): ThreadMessage {
  const blocks: readonly KnownBlock[] = [rich([paragraph(linesOf(view, reply))])];
  return {
    text: fallback(`${TITLES[reply.kind]} · ${headlineOf(view)}`),
    blocks,
    isBroadcast: LOUD.has(reply.kind) || (reply.kind === 'reminder' && reply.isLast),
  };
}

/** The steps of the fix with their ticks, in one message that is edited; undefined before the first. */
export function renderProgress(view: MessageView): Message | undefined {
  const { progress } = view;
  if (progress.length === 0) return undefined;
  const done = progress.filter((one) => one.status === 'done').length;
  const title = `${done} of ${progress.length} steps done`;
  return {
    text: fallback(`${title} · ${headlineOf(view)}`),
    blocks: [rich([paragraph([[bold(title)], ...progressLines(progress)])])],
  };
}

function linesOf(view: MessageView, reply: Reply): readonly Line[] {
  switch (reply.kind) {
    case 'approval':
      return approvalLines(view, reply.decision);
    case 'alone':
      return aloneLines(view, reply.decision);
    case 'changed':
      return [
        [
          bold('🔄 The difference or its plan changed. '),
          text('Approvals so far do not count for it.'),
        ],
        [text('The message above shows what it is now; that has to be approved again.')],
      ];
    case 'failed':
      return [
        [bold('❌ The fix failed. '), text(reasonOf(view))],
        [text('Realign looks again by itself; the run has every step and its reason.')],
      ];
    case 'reminder':
      return [[...mention(reply.mentions), bold('⏰ Still waiting. '), ...stillNeeded(view)]];
    case 'escalation':
      return [
        [
          ...mention(reply.mentions),
          bold('📣 Called in, because nobody has decided. '),
          ...stillNeeded(view),
        ],
      ];
    case 'expired':
      return [
        [
          bold('⌛ Nobody decided in time. '),
          text('Nothing was changed. A changed difference is asked about anew.'),
        ],
      ];
    case 'ended':
      return [endLine(view)];
  }
}

function approvalLines(
  { question }: MessageView,
  { person, decision, door, at, reason }: DecisionView,
): readonly Line[] {
  const what = decision === 'accept' ? 'wants to keep what is live' : 'approved';
  const words = reason === '' ? '' : `: ${truncate(reason, SHOWN.reasonChars)}`;
  const first = [
    bold(`👍 ${shorten(person, SHOWN.nameChars)}`),
    text(` ${what} at `),
    time(at, 'time'),
    text(` via ${DOOR_WORDS[door]}${words}`),
  ];
  if (!question) return [first];
  const count = `${question.approvals.length} of ${question.quorum}. `;
  return [
    first,
    [bold(count), text(`${needs(question)}; expires `), time(question.expiresAt, 'moment')],
  ];
}

function aloneLines(
  { question, rule }: MessageView,
  { person, door, at, reason }: DecisionView,
): readonly Line[] {
  const quorum = question?.quorum ?? 1;
  const usual = `Rule ${shorten(rule ?? '', 60)} would have asked ${countOf(quorum, 'approver')}.`;
  return [
    [
      bold(`🚨 ${shorten(person, SHOWN.nameChars)} broke the glass: approved alone`),
      text(' at '),
      time(at, 'time'),
      text(` via ${DOOR_WORDS[door]}. ${usual}`),
    ],
    [bold('Reason: '), text(truncate(reason, SHOWN.reasonChars))],
  ];
}

function stillNeeded({ question }: MessageView): Line {
  if (!question) return [];
  const soFar =
    question.approvals.length === 0 ? 'none so far' : `${question.approvals.length} so far`;
  return [text(`${needs(question)}, ${soFar}; expires `), time(question.expiresAt, 'moment')];
}

function endLine(view: MessageView): Line {
  const { sign, word } = wordingOf(view);
  const took = view.fixTookMs === undefined ? '' : ` in ${formatTook(view.fixTookMs)}`;
  const subject = shorten(subjectOf(view), SHOWN.nameChars);
  return [bold(`${sign} ${word}${took}: `), text(`${subject}. ${reasonOf(view)}`.trim())];
}

function reasonOf({ message }: MessageView): string {
  return truncate(message ?? '', SHOWN.messageChars);
}
