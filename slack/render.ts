import type { KnownBlock } from '@slack/types';
import type { MessageState, MessageView } from '../drift/message/message-view.ts';
import { answerBlocks, quorumBlock } from './answers.ts';
import { context, header, textLength } from './blocks.ts';
import { factsBlock, noteBlock, whereBlock } from './facts.ts';
import { fixBlocks } from './fixes.ts';
import { outcomeBlock } from './history.ts';
import { LIMITS } from './limits.ts';
import { shorten } from './text.ts';
import { headlineOf } from './wording.ts';

/** A message as Slack takes it. `text` is for notifications and screen readers. */
export type Message = { readonly text: string; readonly blocks: readonly KnownBlock[] };

/** States in which somebody may still want to know what the fix does. */
const SHOWS_FIXES: ReadonlySet<MessageState> = new Set<MessageState>([
  ...(['waiting', 'approved', 'fixing'] as const),
]);

/** The headline message of one drift or promotion, in whatever state it is. The same view gives the same message. */
export function renderDrift(view: MessageView): Message {
  const isOpen = SHOWS_FIXES.has(view.state);
  const blocks = [
    header(headlineOf(view)),
    whereBlock(view),
    outcomeBlock(view),
    factsBlock(view),
    ...(isOpen ? fixBlocks(view) : []),
    noteBlock(view),
    ...answerBlocks(view),
    quorumBlock(view),
  ];
  return withinLimits({
    text: fallbackOf(view),
    blocks: blocks.filter((one) => one !== undefined),
  });
}

/** One line that is never markup, although Slack reads it as such: what could be is replaced by what looks like it. */
export function fallback(words: string): string {
  const harmless = words.replaceAll('<', '‹').replaceAll('>', '›').replaceAll('&', '＆');
  return (
    shorten(harmless.replaceAll('`', "'").replaceAll('@', '＠'), LIMITS.fallbackText) || 'Realign'
  );
}

function fallbackOf(view: MessageView): string {
  const asks = view.state === 'waiting' && view.question !== undefined;
  return fallback(`${headlineOf(view)}${asks ? ': waits for a decision' : ''}`);
}

/** What a message can lose: from its end, what the command line has too, never what is pressed. That something is missing is said. */
export function withinLimits(message: Message): Message {
  const { text, blocks } = message;
  if (isWithin(blocks)) return message;
  const note = context(['This message was too long for Slack: realign show has the rest.']);
  let kept = [...blocks, note];
  while (!isWithin(kept)) {
    const at = kept.findLastIndex((one) => one.type === 'rich_text');
    if (at < 0) break;
    kept = kept.toSpliced(at, 1);
  }
  return { text, blocks: kept };
}

function isWithin(blocks: readonly KnownBlock[]): boolean {
  return blocks.length <= LIMITS.blocks && textLength(blocks) <= LIMITS.messageText;
}
