import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { AppError } from '../../lib/errors.ts';
import type { ClientDeps } from './deps.ts';
import type { ActionCalls } from './dialect-calls.ts';
import type { Http } from './http.ts';
import type { ConfigHub } from './hub.ts';
import type { EventStatus, RevisionName, Unit, UnitEvent } from './types.ts';
import { inSpace, unitPath } from './unit-path.ts';
import { waitForClosing } from './wait-for-closing.ts';
import {
  allOf,
  equals,
  greaterThan,
  inReleaseTerms,
  isIn,
  notEquals,
  type Where,
} from './where.ts';
import { parse, parseTag } from './wire.ts';
import { parseRelease, parseReleaseTarget, type Release } from './wire-release.ts';
import { bulkItem } from './wire-units.ts';

type Place = { readonly unitId: string; readonly spaceId: string };

/** Releases looked through for what became of one unit. */
const MAX_EVENTS = '100';
/** Units that one expression names: the grammar ends at 4,096 characters. */
const UNITS_PER_TAG = 50;
/** So long before the deadline, what was written but is not healthy yet counts as written. */
const LATE_MS = 1_500;

/** Applies by publishing releases: a controller in the cluster takes them, and its report is followed. */
export function createReleaseActions(
  { http }: ClientDeps,
  { listUnits }: Pick<ConfigHub, 'listUnits'>,
): ActionCalls {
  const tagUnits = createTagUnits(http);
  const publish = createPublish(http, tagUnits);
  const eventsOf = async (unit: Place, operationId?: string): Promise<readonly UnitEvent[]> => {
    const [present] = await listUnits({ where: equals('UnitID', unit.unitId), detail: 'state' });
    if (operationId !== undefined) {
      const path = `${inSpace(unit.spaceId, 'release')}/${encodeURIComponent(operationId)}`;
      const release = parseRelease(await http.json({ method: 'GET', path }));
      return [toEvent(release, unit, present?.lastAppliedRevision ?? 0)];
    }
    const path = inSpace(unit.spaceId, 'release');
    const query = { order_by: 'DESC:CreatedAt', limit: MAX_EVENTS };
    const releases = parse(
      z.array(z.unknown()),
      'list of releases',
      await http.json({ method: 'GET', path, query }),
    ).map(parseRelease);
    // Of older ones nobody says which revision they had.
    return releases
      .map((release, index) =>
        toEvent(release, unit, index === 0 ? (present?.lastAppliedRevision ?? 0) : 0),
      )
      .reverse();
  };
  return {
    tagUnits,
    releaseTo: async (spaceId, targetId) => {
      const path = `/space/${encodeURIComponent(spaceId)}`;
      await http.json({ method: 'PATCH', path, body: { ReleaseTargetID: targetId } });
    },
    listUnitEvents: eventsOf,
    applyUnit: async (unit) => {
      const [present] = await listUnits({ where: equals('UnitID', unit.unitId), detail: 'state' });
      if (present === undefined) throw new AppError('NOT_FOUND', `unit ${unit.unitId} not found`);
      return { operationId: await publish(unit.spaceId, [present]) };
    },
    applyUnits: async (where) => {
      const units = await listUnits({ where, detail: 'state' });
      const bySpace = Map.groupBy(units, (unit) => unit.spaceId);
      const results = await Promise.all(
        [...bySpace].map(([spaceId, some]) => published(spaceId, some, publish)),
      );
      return results.flat();
    },
    waitForOperation: (unit, operationId, options) => {
      const lateMs = Date.now() + options.timeoutMs - LATE_MS;
      const look = async () => {
        const events = await eventsOf(unit, operationId);
        return Date.now() < lateMs ? events : events.map(closedLate);
      };
      return waitForClosing(look, operationId, options);
    },
    approveUnit: async (unit) => {
      await http.json({ method: 'POST', path: `${unitPath(unit)}/attestation`, body: {} });
    },
    liveState: async () => undefined,
  };
}

type Publish = (spaceId: string, units: readonly Unit[]) => Promise<string>;

async function published(spaceId: string, units: readonly Unit[], publish: Publish) {
  try {
    const operationId = await publish(spaceId, units);
    return units.map(({ unitId }) => ({ ok: true as const, unitId, spaceId, operationId }));
  } catch (error) {
    if (!(error instanceof AppError) || error.retryable) throw error;
    return units.map(() => ({ ok: false as const, message: error.message }));
  }
}

/**
 * A release takes every unit of the space. A tag says which revision of each, so that only the units that were asked for
 * move, and the others stay at what was released last: whoever consented, consented to those alone.
 */
function createPublish(http: Http, tagUnits: ConfigHub['tagUnits']): Publish {
  return async (spaceId, units) => {
    const targetId = await releaseTarget(http, spaceId, units);
    const slug = `release-${randomUUID()}`;
    const { tagId } = parseTag(
      await http.json({ method: 'POST', path: inSpace(spaceId, 'tag'), body: { Slug: slug } }),
    );
    const ids = units.map((unit) => unit.unitId);
    const others = ids.length > UNITS_PER_TAG ? [] : ids.map((id) => notEquals('UnitID', id));
    const released = greaterThan('LastReleasedRevisionNum', 0);
    const inTarget = [equals('TargetID', targetId), released, ...others] as const;
    await tagUnits(allOf(equals('SpaceID', spaceId), ...inTarget), {
      tagId,
      revision: 'LastAppliedRevisionNum',
    });
    // The newest tagged revision counts, so a head wins over what was released before it.
    for (let at = 0; at < ids.length; at += UNITS_PER_TAG) {
      const some = isIn('UnitID', ids.slice(at, at + UNITS_PER_TAG));
      await tagUnits(allOf(equals('SpaceID', spaceId), some), {
        tagId,
        revision: 'HeadRevisionNum',
      });
    }
    const path = inSpace(spaceId, 'release');
    const release = await http.json({ method: 'POST', path, body: { TagID: tagId } });
    return parseRelease(release).releaseId;
  };
}

async function releaseTarget(http: Http, spaceId: string, units: readonly Unit[]): Promise<string> {
  const path = `/space/${encodeURIComponent(spaceId)}`;
  const { slug, targetId } = parseReleaseTarget(await http.json({ method: 'GET', path }));
  if (targetId === undefined) {
    throw new AppError(
      'APPLY_FAILED',
      `nothing of space ${slug} can be applied: this ConfigHub delivers releases, and the space has no release target. Set its ReleaseTargetID.`,
    );
  }
  const elsewhere = units.find((unit) => unit.targetId !== targetId);
  if (elsewhere !== undefined) {
    throw new AppError(
      'APPLY_FAILED',
      `unit ${slug}/${elsewhere.slug} cannot be applied: its target is not the release target of its space`,
    );
  }
  return targetId;
}

function createTagUnits(http: Http): ConfigHub['tagUnits'] {
  return async (where: Where, { tagId, revision }) => {
    const answer = await http.json({
      method: 'POST',
      path: '/unit/tag',
      query: { where: inReleaseTerms(where).expression },
      body: { TagID: tagId, Revision: releaseName(revision) },
    });
    const failed = parse(z.array(bulkItem), 'list of results', answer).find((item) => item.Error);
    if (failed) {
      throw new AppError('CONFIGHUB_REFUSED', `a unit was not tagged: ${failed.Error?.Message}`);
    }
  };
}

function releaseName(revision: RevisionName): string {
  return revision === 'HeadRevisionNum' ? revision : 'LastReleasedRevisionNum';
}

/** A release as the event of one of its units. */
function toEvent(release: Release, unit: Place, revision: number): UnitEvent {
  const { status, result } = outcomeOf(release);
  return {
    unitEventId: release.releaseId,
    unitId: unit.unitId,
    operationId: release.releaseId,
    action: 'Apply',
    status,
    result,
    message: release.message,
    revision,
    createdAt: release.createdAt,
  };
}

function outcomeOf({ sync, health, operation }: Release): { status: EventStatus; result: string } {
  if (/^(Failed|Error)$/i.test(operation)) return { status: 'Failed', result: 'ApplyFailed' };
  if (sync !== 'Synced') return { status: 'Progressing', result: 'None' };
  if (health === 'Healthy') return { status: 'Completed', result: 'ApplyCompleted' };
  if (health === 'Progressing') return { status: 'Progressing', result: 'Synced' };
  return { status: 'Failed', result: 'ApplyWaitFailed' };
}

// It was written, which is what the comparison with the cluster judges; only its health is late.
function closedLate(event: UnitEvent): UnitEvent {
  if (event.result !== 'Synced') return event;
  return { ...event, status: 'Failed', result: 'ApplyWaitFailed' };
}
