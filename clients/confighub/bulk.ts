import { z } from 'zod';
import type { ClientDeps } from './deps.ts';
import type { BulkCalls } from './dialect-calls.ts';
import type { SpaceNames } from './space-names.ts';
import type { UnitResult } from './types.ts';
import type { Where } from './where.ts';
import { parse } from './wire.ts';
import { bulkItem, unitOf } from './wire-units.ts';

/** Calls over many units, answered item by item (200 or 207); `said` is how the dialect's server is told which. */
export function createBulkCalls(
  { http, names }: ClientDeps,
  said: (where: Where) => string,
): BulkCalls {
  const results = async (answer: unknown): Promise<readonly UnitResult[]> => {
    const items = parse(z.array(bulkItem), 'list of results', answer);
    return Promise.all(items.map((item) => toResult(item, names)));
  };
  return {
    cloneUnits: async (where, { spaces, labels, targetId }) =>
      results(
        await http.json({
          method: 'POST',
          path: '/unit',
          query: { where: said(where), where_space: spaces.expression },
          body: { Labels: labels, TargetID: targetId },
        }),
      ),
    upgradeUnits: async (where, { changeDescription, changeSetId } = {}) =>
      results(
        await http.json({
          method: 'PATCH',
          path: '/unit',
          query: {
            upgrade: 'true',
            include: 'UpstreamUnitID',
            where: said(where),
            change_set_id: changeSetId,
          },
          body:
            changeDescription === undefined ? null : { LastChangeDescription: changeDescription },
        }),
      ),
  };
}

async function toResult(item: z.infer<typeof bulkItem>, names: SpaceNames): Promise<UnitResult> {
  if (item.Error) {
    const unitId = item.Unit?.UnitID ?? item.Error.ErrorMetadata?.EntityID;
    return {
      ok: false,
      ...(unitId ? { unitId } : {}),
      status: item.Error.Status,
      message: item.Error.Message,
    };
  }
  if (!item.Unit) {
    return { ok: false, status: 0, message: 'the server answered neither a unit nor an error' };
  }
  return {
    ok: true,
    unit: unitOf(item.Unit, { spaceSlug: await names.slugOf(item.Unit.SpaceID) }),
  };
}
