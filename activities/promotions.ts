import type { Space, Unit } from '../clients/confighub/index.ts';
import { allOf, equals, lessThanAttribute } from '../clients/confighub/where.ts';
import { AppError } from '../lib/errors.ts';
import { promotionWorkflowId } from '../lib/workflow-id.ts';
import type { CommandActivities, PromotableUnit } from './command-types.ts';
import { type ActivityDeps, environmentOf } from './deps.ts';

/** Few enough for a payload of some 20 KiB. */
const PAGE_SIZE = 50;
const MAX_QUESTIONS = 1_000;

/** Finds what a promotion between two environments moves. Writes nothing. */
export function createPromotionActivities(
  deps: ActivityDeps,
): Pick<CommandActivities, 'selectPromotions' | 'findPromotion'> {
  const { hub, store } = deps;
  return {
    async selectPromotions({ scope: { from, to, unit }, after }) {
      const { config } = environmentOf(deps, to);
      const destination = await hub.findSpace(config.source.space);
      if (!destination) {
        throw new AppError('NOT_FOUND', `there is no space ${config.source.space} for ${to}`);
      }
      const source = await sourceSpace(deps, from, to);
      const where = allOf(
        equals('SpaceID', destination.spaceId),
        equals('UpstreamSpaceID', source.spaceId),
        lessThanAttribute('Unit.UpstreamRevisionNum', 'UpstreamUnit.HeadRevisionNum'),
        ...(unit === undefined ? [] : [equals('Slug', unit)]),
      );
      const behind = await hub.listUnits({ where, detail: 'summary' });
      const found = behind
        .filter(({ slug }) => after === undefined || slug > after)
        .toSorted((a, b) => (a.slug < b.slug ? -1 : 1));
      const page = found.slice(0, PAGE_SIZE);
      if (unit !== undefined && found.length === 0) {
        await requireLinked(deps, destination, source, unit);
      }
      return {
        units: page.flatMap((one) => toPromotable(one, to)),
        ...(found.length > page.length && { next: page.at(-1)?.slug ?? '' }),
      };
    },

    async findPromotion({ workflowId }) {
      const open = await store.questions.list({ status: 'open', limit: MAX_QUESTIONS });
      const question = open.find((one) => one.workflowId === workflowId);
      return question ? { questionId: question.id } : {};
    },
  };
}

/** The space of an environment, one of that slug, or the one that is called as the other environment's but for the environment. */
async function sourceSpace(deps: ActivityDeps, from: string, to: string): Promise<Space> {
  const known = deps.environments.get(from)?.config.source.space;
  const destination = environmentOf(deps, to).config.source.space;
  const alike = destination.endsWith(`-${to}`)
    ? [`${destination.slice(0, -to.length)}${from}`]
    : [];
  for (const slug of known === undefined ? [from, ...alike] : [known]) {
    const space = await deps.hub.findSpace(slug);
    if (space) return space;
  }
  const names = [...deps.environments.keys()].join(', ');
  throw new AppError(
    'NOT_FOUND',
    `there is no environment and no space ${from}; the environments are ${names}`,
  );
}

/** A unit that was named and is not behind: either it is up to date, or it was named by mistake. */
async function requireLinked(
  { hub }: ActivityDeps,
  destination: Space,
  source: Space,
  slug: string,
): Promise<void> {
  const unit = await hub.findUnit(destination.spaceId, slug);
  if (unit?.upstream?.spaceId === source.spaceId) return;
  throw new AppError(
    'NOT_FOUND',
    `${destination.slug} has no unit ${slug} that comes from ${source.slug}`,
  );
}

function toPromotable(unit: Unit, environment: string): readonly PromotableUnit[] {
  const { upstream, spaceSlug: space, spaceId, slug, unitId } = unit;
  if (!upstream) return [];
  const upstreamRevision = upstream.headRevision;
  return [
    {
      unit: { space, spaceId, slug, unitId },
      upstream: {
        space: upstream.spaceSlug ?? upstream.spaceId,
        spaceId: upstream.spaceId,
        slug: upstream.slug ?? slug,
        unitId: upstream.unitId,
      },
      environment,
      upstreamRevision,
      workflowId: promotionWorkflowId(space, slug, upstreamRevision),
    },
  ];
}
