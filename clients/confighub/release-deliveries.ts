import type { Http } from './http.ts';
import type { Unit } from './types.ts';
import { inSpace } from './unit-path.ts';
import { parseRelease, type Release } from './wire-release.ts';

export type Deliveries = {
  /** Says of each unit whether the cluster has what was released last: one small request for each space. */
  withDelivery(units: readonly Unit[]): Promise<readonly Unit[]>;
};

const SPACES_AT_ONCE = 8;

/** What arrived of the units: a release is delivered as a whole, so its newest says it for all units of its target. */
export function createDeliveries(http: Pick<Http, 'json'>): Deliveries {
  return {
    withDelivery: async (units) => {
      const released = units.filter((unit) => unit.lastAppliedRevision > 0);
      const spaces = [...new Set(released.map((unit) => unit.spaceId))];
      const newest = new Map<string, Release | undefined>();
      const take = async (): Promise<void> => {
        for (let space = spaces.pop(); space !== undefined; space = spaces.pop()) {
          newest.set(space, await newestRelease(http, space));
        }
      };
      await Promise.all(Array.from({ length: SPACES_AT_ONCE }, take));
      return units.map((unit) => delivered(unit, newest.get(unit.spaceId)));
    },
  };
}

async function newestRelease(
  http: Pick<Http, 'json'>,
  spaceId: string,
): Promise<Release | undefined> {
  const answer = await http.json({
    method: 'GET',
    path: inSpace(spaceId, 'release'),
    query: { order_by: 'DESC:CreatedAt', limit: '1' },
  });
  return Array.isArray(answer) && answer.length > 0 ? parseRelease(answer[0]) : undefined;
}

// Published is not delivered: only what a controller reported as synced and healthy is known to be live.
function delivered(unit: Unit, release: Release | undefined): Unit {
  const isLive =
    release !== undefined &&
    release.targetId === unit.targetId &&
    release.sync === 'Synced' &&
    release.health === 'Healthy';
  return isLive ? { ...unit, liveRevision: unit.lastAppliedRevision } : unit;
}
