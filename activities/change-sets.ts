import type { ChangeSet, ConfigHub, Tag, Unit } from '../clients/confighub/index.ts';
import { allOf, equals } from '../clients/confighub/where.ts';
import { AppError } from '../lib/errors.ts';
import type { ActivityDeps } from './deps.ts';
import type { OpenedChangeSet } from './types.ts';

/** Behind a change set's slug: the tag on what was before it. The tag on what it left bears the slug itself. */
const START = '-start';

/** Label of a change set that was made for a Filter: the Filter's id. Servers of later generations keep no such tie. */
export const FILTER_LABEL = 'realign.dev/filter';

/** What every change set of Realign is labelled with. */
export const CHANGE_SET_LABELS = { type: 'drift-correction', automated: 'true' } as const;

/**
 * Creates what only a repeated attempt finds there already, so that the first one asks nothing. Servers refuse a second one of a
 * name with 400 or 409, depending on their generation.
 */
export async function createOrFind<T>(
  create: () => Promise<T>,
  find: () => Promise<T | undefined>,
): Promise<T> {
  try {
    return await create();
  } catch (error) {
    if (!(error instanceof AppError) || !MAY_EXIST.has(error.code)) throw error;
    const found = await find();
    if (found === undefined) throw error;
    return found;
  }
}

const MAY_EXIST: ReadonlySet<string> = new Set(['CONFIGHUB_CONFLICT', 'CONFIGHUB_REFUSED']);

export async function ensureTag(
  hub: Pick<ConfigHub, 'findTag' | 'createTag'>,
  spaceId: string,
  slug: string,
): Promise<Tag> {
  const labels = CHANGE_SET_LABELS;
  return createOrFind(
    () => hub.createTag(spaceId, { slug, labels }),
    () => hub.findTag(spaceId, slug),
  );
}

/** A change set between a tag on what was before (where it is known that something will be written) and one on what is left. */
export async function ensureChangeSet(
  hub: ActivityDeps['hub'],
  spaceId: string,
  wanted: {
    readonly slug: string;
    readonly displayName: string;
    readonly description: string;
    readonly filterId: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly writes?: boolean;
  },
): Promise<OpenedChangeSet> {
  const { slug, displayName, description, filterId, labels, writes } = wanted;
  const tag = await ensureTag(hub, spaceId, slug);
  const start = { spaceId, slug: `${slug}${START}` };
  const startTag = writes ? await ensureTag(hub, spaceId, start.slug) : undefined;
  const changeSet = await createOrFind(
    () =>
      hub.createChangeSet(spaceId, {
        ...{ slug, displayName, description, filterId },
        labels: { ...CHANGE_SET_LABELS, ...labels },
        ...(startTag && { startTagId: startTag.tagId }),
        endTagId: tag.tagId,
      }),
    () => hub.findChangeSet(spaceId, slug),
  );
  return { changeSetId: changeSet.changeSetId, tagId: tag.tagId, start };
}

/** Marks what a unit was before the change set touches it: its head, or what was applied last. */
export async function markStart(
  hub: ActivityDeps['hub'],
  unit: Pick<Unit, 'unitId' | 'spaceId'>,
  changeSet: OpenedChangeSet | undefined,
  revision: 'HeadRevisionNum' | 'LastAppliedRevisionNum',
): Promise<void> {
  if (!changeSet?.start) return;
  const { tagId } = await ensureTag(hub, changeSet.start.spaceId, changeSet.start.slug);
  await hub.tagUnits(exactly(unit), { tagId, revision });
}

/** The tags of a change set: of Realign's own, or those that a server gave it. */
export async function tagsOf(
  hub: ActivityDeps['hub'],
  { spaceId, slug, startTagId, endTagId }: ChangeSet,
): Promise<{ readonly start?: string; readonly end?: string }> {
  const start = startTagId ?? (await hub.findTag(spaceId, `${slug}${START}`))?.tagId;
  const end = (await hub.findTag(spaceId, slug))?.tagId ?? endTagId;
  return { ...(start !== undefined && { start }), ...(end !== undefined && { end }) };
}

/** Selects one unit. */
export function exactly({ unitId, spaceId }: Pick<Unit, 'unitId' | 'spaceId'>) {
  return allOf(equals('UnitID', unitId), equals('SpaceID', spaceId));
}
