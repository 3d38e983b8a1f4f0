import { z } from 'zod';
import { AppError } from '../../lib/errors.ts';
import type { HistoryCalls } from './dialect-calls.ts';
import type { Http } from './http.ts';
import type { ConfigHub } from './hub.ts';
import type { Unit } from './types.ts';
import { toBase64, unitPath } from './unit-path.ts';
import { equals } from './where.ts';
import { parse, parseEnvelopes, parseRevision } from './wire.ts';

type Written = (value: unknown) => Promise<Unit>;

/** A unit's data: writing it makes a revision, old ones can be read and restored. */
export function createRevisionCalls(http: Http, written: Written): HistoryCalls {
  return {
    ...createHistoryCalls(http),
    writeData: createWriteData(http, written),
    restoreUnit: async (unit, revision, { changeDescription, changeSetId } = {}) =>
      written(
        await http.json({
          method: 'PATCH',
          path: unitPath(unit),
          query: {
            revision_id: await revisionId(http, unit.spaceId, unit.unitId, revision),
            change_set_id: changeSetId,
          },
          body: { Version: unit.version, LastChangeDescription: changeDescription },
        }),
      ),
  };
}

/** Reading old revisions: the same in all generations. */
export function createHistoryCalls(http: Http): Pick<ConfigHub, 'revisionData' | 'listRevisions'> {
  return {
    revisionData: async (spaceId, unitId, revision) =>
      http.text({
        method: 'GET',
        path: `${unitPath({ spaceId, unitId })}/revision/${await revisionId(http, spaceId, unitId, revision)}/data`,
      }),
    listRevisions: async (unit) => {
      const revisions = parseEnvelopes(
        'Revision',
        parseRevision,
        await http.list({
          method: 'GET',
          path: `${unitPath(unit)}/revision`,
          query: { select: 'RevisionNum,Description,Source,UserID,CreatedAt,LiveAt,Tags' },
        }),
      );
      return [...revisions].sort((a, b) => b.revision - a.revision);
    },
  };
}

// Generation A answers 409 on PUT only, and a PUT replaces the whole unit: it is read, compared, and sent back.
function createWriteData(http: Http, written: Written): ConfigHub['writeData'] {
  return async (unit, data, { changeDescription, changeSetId } = {}) => {
    const answer = await http.json({ method: 'GET', path: unitPath(unit) });
    const { Unit: present } = parse(
      z.object({ Unit: z.looseObject({ Version: z.number() }) }),
      'unit',
      answer,
    );
    if (present.Version !== unit.version) {
      throw new AppError(
        'CONFIGHUB_CONFLICT',
        `unit ${unit.unitId} was changed: version ${present.Version}, not ${unit.version}`,
      );
    }
    const { LiveState: _live, MutationSources: _sources, ...kept } = present;
    return written(
      await http.json({
        method: 'PUT',
        path: unitPath(unit),
        query: { change_set_id: changeSetId },
        body: {
          ...kept,
          Data: toBase64(data),
          ...(changeDescription === undefined ? {} : { LastChangeDescription: changeDescription }),
        },
      }),
    );
  };
}

async function revisionId(
  http: Http,
  spaceId: string,
  unitId: string,
  revision: number,
): Promise<string> {
  const found = parseEnvelopes(
    'Revision',
    parseRevision,
    await http.json({
      method: 'GET',
      path: `${unitPath({ spaceId, unitId })}/revision`,
      query: { where: equals('RevisionNum', revision).expression, select: 'RevisionNum' },
    }),
  )[0];
  if (found === undefined) {
    throw new AppError('NOT_FOUND', `unit ${unitId} has no revision ${revision}`);
  }
  return found.revisionId;
}
