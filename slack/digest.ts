import type { Button, KnownBlock, RichTextBlockElement } from '@slack/types';
import { SEVERITIES } from '../drift/field-change.ts';
import {
  type DigestGroup,
  type DigestItem,
  type DigestView,
  MAX_DIGEST_ROWS,
} from '../drift/message/digest-view.ts';
import { ACTIONS, encodeValue } from './action-value.ts';
import {
  actions,
  bold,
  bullets,
  button,
  context,
  header,
  own,
  ownTime,
  rich,
  text,
} from './blocks.ts';
import { LIMITS, SHOWN } from './limits.ts';
import { fallback, type Message, withinLimits } from './render.ts';
import { countOf, formatCount, listOf, shorten } from './text.ts';
import { SEVERITY_SIGN, wordingOf } from './wording.ts';

/** Beyond these, what may be approved together is approved one after the other. */
const MAX_GROUP_BUTTONS = 5;
const MAX_NAMED_ITEMS = 3;

/** One message for many drifts at once, edited as they end: what happened how often, and what still waits. */
export function renderDigest(view: DigestView): Message {
  const { total, open, groups, id } = view;
  const shown = groups.slice(0, MAX_DIGEST_ROWS);
  const title =
    open > 0
      ? `🌊 ${countOf(total, 'drift')} at once · ${formatCount(open)} open`
      : `✅ ${countOf(total, 'drift')} at once · all ended`;
  const version = `${shorten(id, 40)}-${open}-${total}`;
  const blocks: readonly (KnownBlock | undefined)[] = [
    header(title),
    context([
      ...SEVERITIES.toReversed().map((one) => countLine(view, one)),
      own`since ${ownTime(view.startedAt, 'moment')}`,
    ]),
    shown.length > 0 ? rich(shown.flatMap(describeGroup)) : undefined,
    ...moreRows(view, shown),
    ...actions(`group-${version}`, groupButtons(view, shown)),
  ];
  return withinLimits({
    text: fallback(title),
    blocks: blocks.filter((one) => one !== undefined),
  });
}

function countLine({ bySeverity }: DigestView, severity: (typeof SEVERITIES)[number]): string {
  const count = bySeverity[severity];
  return count === 0 ? '' : `${SEVERITY_SIGN[severity]} ${formatCount(count)} ${severity}`;
}

/** A single drift names itself; several are told by their cause. */
function describeGroup(group: DigestGroup): readonly RichTextBlockElement[] {
  const { items, cause, severity, states } = group;
  const [only] = items;
  const sign = text(`${SEVERITY_SIGN[severity]} `);
  if (items.length === 1 && only) {
    const name = bold(shorten(only.subject, SHOWN.nameChars));
    return [
      bullets([
        [
          sign,
          name,
          text(` ${shorten(`${only.environment}: ${stateWord(only)}, ${summaryOf(only)}`, 220)}`),
        ],
      ]),
    ];
  }
  const counts = Object.entries(states).map(([state, count]) => `${formatCount(count)} ${state}`);
  const names = listOf(
    items.map((one) => one.subject),
    MAX_NAMED_ITEMS,
    60,
  );
  return [
    bullets([[sign, bold(`${formatCount(items.length)}× `), text(shorten(cause, 200))]]),
    bullets([[text(`${listOf(counts, 8, 40)} · ${names}`)]], 1),
  ];
}

function stateWord({ state }: DigestItem): string {
  return state === 'waiting' ? 'waits' : wordingOf({ about: 'drift', state }).word.toLowerCase();
}

/** The name of the object is there already. */
function summaryOf({ summary, subject }: DigestItem): string {
  return summary.startsWith(`${subject}: `) ? summary.slice(subject.length + 2) : summary;
}

function moreRows({ groups }: DigestView, shown: readonly DigestGroup[]): readonly KnownBlock[] {
  const rest = groups.slice(shown.length).reduce((sum, one) => sum + one.items.length, 0);
  if (rest === 0) return [];
  return [context([`and ${countOf(rest, 'more drift')}: realign drifts lists them`])];
}

/** Approves every question of a group that is still open and says what was shown here. */
function groupButtons({ id }: DigestView, shown: readonly DigestGroup[]): readonly Button[] {
  return shown
    .flatMap(({ approval }) => approval ?? [])
    .slice(0, MAX_GROUP_BUTTONS)
    .map(({ cause, environment, objects, questionIds, digest }, at) =>
      button({
        id: `${ACTIONS.approveGroup}.${at}`,
        label: shorten(
          `Approve all ${formatCount(questionIds.length)}: ${cause}`,
          LIMITS.buttonLabel,
        ),
        value: encodeValue({ question: id, digest }),
        confirm: {
          title: `Approve ${countOf(questionIds.length, 'fix').replace('fixs', 'fixes')}?`,
          words: `${shorten(cause, 160)}. This changes ${countOf(objects, 'object')} in ${shorten(environment, 40)}. Each is recorded by itself.`,
          yes: 'Approve all',
          no: 'Not yet',
        },
      }),
    );
}
