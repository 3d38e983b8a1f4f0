import type { KnownBlock, HomeView as SlackHome } from '@slack/types';
import type { HomeView } from '../drift/message/digest-view.ts';
import type { MessageView } from '../drift/message/message-view.ts';
import { answerBlocks } from './answers.ts';
import {
  bold,
  context,
  header,
  own,
  ownTime,
  paragraph,
  rich,
  text,
  textLength,
} from './blocks.ts';
import { confirmWords } from './fixes.ts';
import { LIMITS, SHOWN } from './limits.ts';
import { countOf, shorten, truncate } from './text.ts';
import { headlineOf } from './wording.ts';

const MAX_MINE = 10;
const MAX_OTHERS = 10;
const MAX_RECENT = 5;

/** The app's own page: what waits for this person first, each with its buttons, then the rest in a line each. */
export function renderHome(home: HomeView): SlackHome {
  const { waitingForMe, waitingForOthers, recentlyEnded, otherOpen, at } = home;
  const title =
    waitingForMe.length > 0
      ? `${countOf(waitingForMe.length, 'question')} for you`
      : 'Nothing waits for you';
  const blocks: readonly KnownBlock[] = [
    header(title),
    context([
      `${countOf(waitingForOthers.length, 'question')} for others`,
      `${countOf(otherOpen, 'more open drift')}`,
      own`as of ${ownTime(at, 'moment')}`,
    ]),
    ...waitingForMe.slice(0, MAX_MINE).flatMap(itemBlocks),
    ...left(waitingForMe.length - MAX_MINE),
    ...section('For others to decide', waitingForOthers, MAX_OTHERS),
    ...section('Ended lately', recentlyEnded, MAX_RECENT),
  ];
  return { type: 'home', blocks: [...withinView(blocks)] };
}

function itemBlocks(view: MessageView): readonly KnownBlock[] {
  const [fix] = view.fixes;
  return [
    { type: 'divider' },
    rich([
      paragraph([
        [bold(headlineOf(view))],
        [text(truncate(view.summary, SHOWN.lineChars))],
        ...(fix ? [[text(confirmWords(view))]] : []),
      ]),
    ]),
    ...answerBlocks(view),
  ];
}

function section(title: string, views: readonly MessageView[], max: number): readonly KnownBlock[] {
  if (views.length === 0) return [];
  const lines = views
    .slice(0, max)
    .map((view) => [text(shorten(headlineOf(view), LIMITS.headerText))]);
  return [
    { type: 'divider' },
    rich([paragraph([[bold(title)], ...lines])]),
    ...left(views.length - max),
  ];
}

function left(count: number): readonly KnownBlock[] {
  return count > 0 ? [context([`and ${countOf(count, 'more')}`.replace('mores', 'more')])] : [];
}

/** From the end: what comes first is what somebody has to answer. */
function withinView(blocks: readonly KnownBlock[]): readonly KnownBlock[] {
  let kept = blocks;
  while (kept.length > LIMITS.viewBlocks || textLength(kept) > LIMITS.messageText)
    kept = kept.slice(0, -1);
  return kept;
}
