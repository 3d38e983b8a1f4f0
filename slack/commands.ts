import type { KnownBlock, RichTextElement } from '@slack/types';
import type { Severity } from '../drift/field-change.ts';
import { SEVERITIES } from '../drift/field-change.ts';
import type { MessageView } from '../drift/message/message-view.ts';
import {
  bold,
  bullets,
  code,
  context,
  header,
  own,
  ownTime,
  paragraph,
  rich,
  text,
} from './blocks.ts';
import { SHOWN } from './limits.ts';
import { fallback, type Message, renderDrift, withinLimits } from './render.ts';
import { countOf, formatCount, shorten, truncate } from './text.ts';
import { headlineOf, resourceArgument, SEVERITY_SIGN } from './wording.ts';

/** What `/realign` answers, only to whoever asked. */

/** How everything stands, in numbers. */
export type StatusView = {
  readonly at: string;
  readonly environments: readonly {
    readonly name: string;
    readonly bySeverity: Readonly<Partial<Record<Severity, number>>>;
    /** Open questions. */
    readonly waiting: number;
  }[];
};

const MAX_ROWS = 20;

/** `/realign status` */
export function renderStatus({ at, environments }: StatusView): Message {
  const drifts = environments.reduce((sum, one) => sum + driftsIn(one), 0);
  const waiting = environments.reduce((sum, one) => sum + one.waiting, 0);
  const title =
    drifts === 0
      ? '✅ Everything runs as it is declared'
      : `${countOf(drifts, 'open drift')}, ${countOf(waiting, 'question')} waiting`;
  const rows = environments.slice(0, MAX_ROWS).map(statusRow);
  const more = environments.length - rows.length;
  const blocks: readonly (KnownBlock | undefined)[] = [
    header(title),
    rows.length > 0 ? rich([bullets(rows)]) : undefined,
    context([
      more > 0 ? `and ${countOf(more, 'more environment')}` : '',
      own`as of ${ownTime(at, 'moment')}`,
    ]),
  ];
  return withinLimits({ text: fallback(title), blocks: blocks.filter((one) => one !== undefined) });
}

function driftsIn({ bySeverity }: StatusView['environments'][number]): number {
  return Object.values(bySeverity).reduce((sum, one) => sum + one, 0);
}

function statusRow(one: StatusView['environments'][number]): readonly RichTextElement[] {
  const counts = SEVERITIES.toReversed().flatMap((severity) => {
    const count = one.bySeverity[severity] ?? 0;
    return count === 0 ? [] : [`${SEVERITY_SIGN[severity]} ${formatCount(count)} ${severity}`];
  });
  const waits = one.waiting > 0 ? ` · ${countOf(one.waiting, 'question')} waiting` : '';
  const drifts = counts.length > 0 ? counts.join(' ') : 'no drift';
  return [bold(shorten(one.name, SHOWN.nameChars)), text(`: ${drifts}${waits}`)];
}

/** `/realign drifts`: one row each, worst first as given; `total` counts those beyond. */
export function renderDrifts(views: readonly MessageView[], total: number): Message {
  const title = total === 0 ? '✅ No open drift' : countOf(total, 'open drift');
  const rows = views
    .slice(0, MAX_ROWS)
    .flatMap((view) => [
      bullets([[text(headlineOf(view))]]),
      bullets([[text(truncate(view.summary, SHOWN.valueChars)), ...showHint(view)]], 1),
    ]);
  const more = total - Math.min(views.length, MAX_ROWS);
  const blocks: readonly (KnownBlock | undefined)[] = [
    header(title),
    rows.length > 0 ? rich(rows) : undefined,
    more > 0 ? context([`and ${formatCount(more)} more`]) : undefined,
  ];
  return withinLimits({ text: fallback(title), blocks: blocks.filter((one) => one !== undefined) });
}

function showHint(view: MessageView): readonly RichTextElement[] {
  const resource = resourceArgument(view);
  return resource === undefined ? [] : [text(' '), code(`/realign show ${shorten(resource, 150)}`)];
}

/** `/realign show`: the same message as in the channel, with its buttons. */
export const renderShow = renderDrift;

const COMMANDS = [
  ['status', 'how many drifts and questions there are'],
  ['drifts [ENVIRONMENT]', 'what drifts now, worst first'],
  ['show RESOURCE', 'one drift with its buttons; prod/Deployment/shop/checkout'],
  ['approve QUESTION', 'approve the fix of a question, after a look at it'],
  ['reject QUESTION REASON', 'leave things as they are, and say why'],
  ['snooze QUESTION [1h|4h|1d]', 'be asked again later'],
  ['help', 'this'],
] as const;

/** `/realign help`, and whatever was not understood. */
export function renderHelp(notUnderstood?: string): Message {
  const rows = COMMANDS.map(([command, what]) => [code(`/realign ${command}`), text(` ${what}`)]);
  const said =
    notUnderstood === undefined
      ? []
      : [paragraph([[text(`There is no command ${shorten(notUnderstood, 60)}.`)]])];
  return { text: 'What /realign can do', blocks: [rich([...said, bullets(rows)])] };
}
