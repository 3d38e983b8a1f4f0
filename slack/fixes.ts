import type { RichTextBlock, RichTextBlockElement } from '@slack/types';
import { gravestFirst, type ReachEntry } from '../drift/decide/plan.ts';
import type { FixView, MessageView, ReachView } from '../drift/message/message-view.ts';
import { formatResource } from '../drift/resource-ref.ts';
import { bold, bullets, paragraph, preformatted, rich, text } from './blocks.ts';
import { SHOWN } from './limits.ts';
import { countOf, formatCount, listOf, shorten, showValue, truncate } from './text.ts';

/** What each answer would do, and how far that reaches: read before anybody presses anything. */
export function fixBlocks(view: MessageView): readonly RichTextBlock[] {
  return view.fixes.slice(0, 2).map((fix) => rich(describeFix(fix, view)));
}

/** One fix: what it does step by step, how far it reaches, and what else it changes. */
export function describeFix(fix: FixView, view: MessageView): readonly RichTextBlockElement[] {
  const { description, steps, overwrites, deletes } = fix;
  const shown = steps.slice(0, SHOWN.steps);
  const more = steps.length - shown.length;
  const items = [
    ...reachLines(fix).map((one) => [bold('Reach '), text(one)]),
    ...(steps.length > 1 ? shown.map((one) => [text(truncate(one, SHOWN.lineChars))]) : []),
    ...(more > 0 ? [[text(`and ${countOf(more, 'more step')}`)]] : []),
    ...(overwrites.length === 0
      ? []
      : [[bold('Also overwrites '), text(listOf(overwrites, 3, SHOWN.valueChars))]]),
    ...(deletes.length === 0
      ? []
      : [[bold('Deletes '), text(listOf(deletes, 3, SHOWN.valueChars))]]),
  ];
  return [
    paragraph([
      [bold(titleOf(fix, view.about)), text(` ${truncate(description, SHOWN.lineChars)}`)],
    ]),
    ...(items.length > 0 ? [bullets(items)] : []),
    ...unseenChanges(fix, view),
  ];
}

/** What the fix changes beside the difference that is shown: nobody may find that out afterwards. */
function unseenChanges(
  { changes }: FixView,
  { about, environment, ref, changes: drift }: MessageView,
): readonly RichTextBlockElement[] {
  const paths = new Set(drift.map((one) => one.path));
  const resource = ref && formatResource(ref);
  const unseen = gravestFirst(changes).filter(
    (one) => one.environment !== environment || one.resource !== resource || !paths.has(one.path),
  );
  if (unseen.length === 0) return [];
  const shown = unseen.slice(0, SHOWN.reachEntries).map(entryLine);
  const more = unseen.length - shown.length;
  const rest = more > 0 ? [`and ${countOf(more, 'more field')}`] : [];
  return [
    paragraph([[bold(about === 'drift' ? 'Also changes' : 'Changes')]]),
    preformatted([...shown, ...rest]),
  ];
}

function entryLine({ environment, resource, path, from, to, isDeleted }: ReachEntry): string {
  const where = `${shorten(environment, 32)} ${shorten(resource, 80)}`;
  if (isDeleted) return `${where}: deleted`;
  const values = `${showValue(from, false, 60)} → ${showValue(to, false, 60)}`;
  return path === '' ? `${where}: the whole object` : `${where} ${shorten(path, 80)}: ${values}`;
}

function titleOf({ fix }: FixView, about: MessageView['about']): string {
  if (about !== 'drift') return 'Approve:';
  return fix === 'revert' ? 'Approve sets it back:' : 'Keep live makes it the declared state:';
}

/** `prod: 1 object, 3 fields; units shop-prod/checkout`, one for each environment. */
function reachLines({ reach }: Pick<FixView, 'reach'>): readonly string[] {
  const shown = reach.slice(0, SHOWN.environments).map(reachLine);
  const more = reach.length - shown.length;
  return more > 0 ? [...shown, `and ${countOf(more, 'more environment')}`] : shown;
}

function reachLine({ environment, resources, fields, units }: ReachView): string {
  const [only] = resources;
  const objects =
    resources.length === 1 && only !== undefined
      ? shorten(only, SHOWN.nameChars)
      : resources.length === 0
        ? 'nothing that runs changes'
        : countOf(resources.length, 'object');
  const changed = fields > 0 ? `, ${countOf(fields, 'field')}` : '';
  const through =
    units.length > 0
      ? `; ${units.length === 1 ? 'unit' : 'units'} ${listOf(units, SHOWN.units, 48)}`
      : '';
  return truncate(
    `${shorten(environment, 40)}: ${objects}${changed}${through}`,
    2 * SHOWN.lineChars,
  );
}

/** For the dialog that asks once more: `Apply to prod: 1 object. Also upgrades 4 units in staging.` */
export function confirmWords({ fixes }: MessageView): string {
  const fix = fixes.find((one) => one.fix === 'revert') ?? fixes[0];
  if (!fix) return 'Apply the fix?';
  const objects = fix.reach.reduce((sum, one) => sum + one.resources.length, 0);
  const units = new Set(fix.reach.flatMap((one) => one.units)).size;
  const environments = listOf(
    fix.reach.map((one) => one.environment),
    SHOWN.environments,
    40,
  );
  const others = units > 1 ? `, ${formatCount(units)} units` : '';
  const deleted = listOf(fix.deletes, 1, 80);
  const deletes = deleted === '' ? '' : ` and deletes ${deleted}`;
  return `${shorten(fix.description, 120)}. This changes ${countOf(objects, 'object')}${others} in ${environments}${deletes}.`;
}
