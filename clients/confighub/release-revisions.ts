import { z } from 'zod';
import { AppError } from '../../lib/errors.ts';
import { createHistoryCalls } from './bridge-revisions.ts';
import type { HistoryCalls } from './dialect-calls.ts';
import type { Http } from './http.ts';
import type { Written } from './unit-calls.ts';
import { unitPath } from './unit-path.ts';
import { parse } from './wire.ts';

const guarded = z.object({
  Unit: z.object({
    Version: z.number(),
    DataHash: z.string(),
    UpstreamUnitID: z.string().nullish(),
  }),
});

/** Writing data in the release dialect: the document by itself, guarded by the hash of what it replaces. */
export function createReleaseRevisions(http: Http, written: Written): HistoryCalls {
  return {
    ...createHistoryCalls(http),
    writeData: async (unit, data, { changeDescription, changeSetId } = {}) => {
      const path = unitPath(unit);
      const { Unit: present } = parse(guarded, 'unit', await http.json({ method: 'GET', path }));
      if (present.Version !== unit.version) {
        throw new AppError(
          'CONFIGHUB_CONFLICT',
          `unit ${unit.unitId} was changed: version ${present.Version}, not ${unit.version}`,
        );
      }
      return written(
        await http.json({
          method: 'PUT',
          path: `${path}/data`,
          query: {
            last_change_description: changeDescription,
            change_set_id: changeSetId,
            // Without it the next upgrade may overwrite what was written here.
            protect: present.UpstreamUnitID ? 'true' : undefined,
          },
          document: data,
          ifMatch: `"${present.DataHash}"`,
        }),
      );
    },
    restoreUnit: async (unit, revision, { changeDescription, changeSetId } = {}) =>
      written(
        await http.json({
          method: 'PATCH',
          path: unitPath(unit),
          query: { restore: String(revision), change_set_id: changeSetId },
          body: { Version: unit.version, LastChangeDescription: changeDescription },
        }),
      ),
  };
}
