import type { Http } from './http.ts';
import type { ConfigHub } from './hub.ts';
import type { Unit } from './types.ts';
import { inSpace, unitPath } from './unit-path.ts';

/** Turns the answer of a write into the unit. */
export type Written = (answer: unknown) => Promise<Unit>;

/** Neighbours that lists and reads name beside the unit. */
export const INCLUDE = 'SpaceID,UpstreamUnitID,UpstreamSpaceID';
export const TOOLCHAIN = 'Kubernetes/YAML';

/** What every server can say of a unit without its data; each dialect has fields of its own beside. */
export const SUMMARY = [
  ...['Slug', 'DisplayName', 'Labels', 'Annotations', 'Version', 'UpdatedAt', 'HeadRevisionNum'],
  ...['TargetID', 'LastChangeDescription', 'ApplyGates', 'Space.Slug'],
  ...['UpstreamUnitID', 'UpstreamSpaceID', 'UpstreamRevisionNum'],
  ...['UpstreamUnit.Slug', 'UpstreamUnit.HeadRevisionNum', 'UpstreamSpace.Slug'],
];

/** Writes that are the same in all generations. */
export function createCommonWrites(
  http: Http,
  written: Written,
): Pick<ConfigHub, 'cloneUnit' | 'deleteUnit'> {
  return {
    cloneUnit: async (destinationSpaceId, clone) =>
      written(
        await http.json({
          method: 'POST',
          path: inSpace(destinationSpaceId, 'unit'),
          query: {
            upstream_space_id: clone.upstreamSpaceId,
            upstream_unit_id: clone.upstreamUnitId,
          },
          body: {
            Slug: clone.slug,
            ToolchainType: TOOLCHAIN,
            Labels: clone.labels ?? {},
            TargetID: clone.targetId,
          },
        }),
      ),
    deleteUnit: async (unit) => {
      await http.json({ method: 'DELETE', path: unitPath(unit) });
    },
  };
}
