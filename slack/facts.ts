import type {
  ContextBlock,
  RichTextBlock,
  RichTextBlockElement,
  RichTextElement,
} from '@slack/types';
import type { MessageView } from '../drift/message/message-view.ts';
import {
  bold,
  code,
  context,
  own,
  ownTime,
  paragraph,
  preformatted,
  quote,
  rich,
  text,
  time,
} from './blocks.ts';
import { SHOWN } from './limits.ts';
import { countOf, formatCount, linesOf, listOf, shorten, truncate } from './text.ts';
import { DIRECTION_WORDS, writerOf } from './wording.ts';

/** What is known of a drift: where it is, who made it, how bad it is, what differs. */

type Line = readonly RichTextElement[];

/** `cluster-a · namespace shop · unit shop-prod/checkout · first seen 3 minutes ago`. */
export function whereBlock(view: MessageView): ContextBlock {
  const { cluster, ref, unit, firstSeen } = view;
  const since =
    view.about === 'drift'
      ? own`first seen ${ownTime(firstSeen, 'moment')}`
      : own`asked ${ownTime(firstSeen, 'moment')}`;
  return context([
    labelled('environment', view.environment),
    labelled('cluster', cluster),
    labelled('namespace', ref?.namespace),
    labelled('unit', ref ? unit : undefined),
    since,
  ]);
}

function labelled(label: string, value: string | undefined): string {
  return value ? `${label} ${shorten(value, SHOWN.nameChars)}` : '';
}

/** Who, what kind, how bad, and the difference itself. */
export function factsBlock(view: MessageView): RichTextBlock | undefined {
  const lines = factLines(view);
  const elements: RichTextBlockElement[] = [
    ...(lines.length > 0 ? [paragraph(lines)] : []),
    ...differenceOf(view),
  ];
  return elements.length > 0 ? rich(elements) : undefined;
}

function factLines(view: MessageView): readonly Line[] {
  const { about, types, direction, costLine, availabilityLine, because, ahead } = view;
  if (about !== 'drift')
    return [[text(truncate(view.summary, SHOWN.messageChars))], ...reasons(view)];
  const isOver = view.state === 'fixed' || view.state === 'resolved';
  const kinds = types.length > 0 ? `${listOf(types, 4)} · ` : '';
  return [
    changedByLine(view),
    fact('Kind', `${kinds}${DIRECTION_WORDS[direction]}`),
    ...(ahead === undefined ? [] : [fact('Not applied', ahead)]),
    ...(isOver || availabilityLine === undefined ? [] : [fact('Availability', availabilityLine)]),
    ...(isOver || costLine === undefined ? [] : [fact('Cost', costLine)]),
    ...(because === undefined ? [] : reasons(view)),
    ...view.fights.slice(0, SHOWN.fights).map((one) => fact('Fight', one)),
  ];
}

function reasons({ because, rule }: MessageView): readonly Line[] {
  if (because === undefined) return [];
  return [fact('Asked because', rule === undefined ? because : `${because} (rule ${rule})`)];
}

function changedByLine({ changedBy, changes }: MessageView): Line {
  const { who, how } = writerOf(changedBy);
  const newest = changes
    .flatMap(({ when }) => (when === undefined ? [] : [when]))
    .toSorted()
    .at(-1);
  return [
    bold('Changed by '),
    code(shorten(who, SHOWN.nameChars)),
    ...(how === '' ? [] : [text(` ${how}`)]),
    ...(newest === undefined ? [] : [text(' · '), time(newest, 'moment')]),
  ];
}

function fact(label: string, words: string): Line {
  return [bold(`${label} `), text(truncate(words, SHOWN.lineChars))];
}

function differenceOf(view: MessageView): readonly RichTextBlockElement[] {
  const { changes, omitted, links } = view;
  if (changes.length === 0) return [];
  const shown = changes.slice(0, SHOWN.changes);
  const more = changes.length - shown.length + omitted;
  const where = links.dashboard === undefined ? '' : ' on the dashboard';
  const rest = more > 0 ? [`and ${countOf(more, 'more field')}${where}`] : [];
  return [
    paragraph([[bold('Declared → live')]]),
    preformatted([...shown.flatMap(linesOf), ...rest]),
  ];
}

/** What Claude makes of it: marked as advice, and beside the rules' own severity. */
export function noteBlock({ note }: MessageView): RichTextBlock | undefined {
  if (!note) return undefined;
  const { summary, probableCause, effect, risk, riskReason, recommendation, confidence, model } =
    note;
  const prose = truncate(
    [summary, probableCause, effect].filter((one) => one !== '').join(' '),
    SHOWN.noteChars,
  );
  const score = Math.min(100, Math.max(0, Math.round(risk) || 0));
  return rich([
    quote([
      [bold("Claude's advice"), text(` (${shorten(model, 40)}; it decides nothing)`)],
      [text(prose)],
      [bold(`Risk ${formatCount(score)} of 100: `), text(truncate(riskReason, SHOWN.lineChars))],
      [
        bold('Recommends '),
        text(`${RECOMMENDATIONS[recommendation]}, with ${confidence} confidence`),
      ],
    ]),
  ]);
}

const RECOMMENDATIONS = {
  revert: 'approving the fix',
  accept: 'keeping what is live',
  'look-closer': 'a closer look before deciding',
} as const;
