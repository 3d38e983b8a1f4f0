import type { Unit } from '../clients/confighub/index.ts';
import type { DesiredObject, DesiredSnapshot, DesiredSource } from '../desired/source.ts';
import { compileDesired } from '../drift/compare/compile.ts';
import { type KubeObject, refOf, resourceKey } from '../drift/resource-ref.ts';

/** A source whose state the test sets; what it declares counts as applied. */
export function declareObjects(environment: string, ...first: KubeObject[]) {
  const unit = { slug: 'shop' } as Unit;
  let revision = 0;
  let errors: DesiredSnapshot['errors'] = [];
  let snapshot: DesiredSnapshot;
  const set = (...objects: KubeObject[]): void => {
    revision += 1;
    const declared = objects.map((object): [string, DesiredObject] => {
      const ref = refOf(environment, object);
      const compiled = compileDesired(object);
      const state = { applied: 'head', base: compiled, unit, revision: String(revision) } as const;
      return [resourceKey(ref), { ref, object, compiled, ...state }];
    });
    const objectsByKey = new Map(declared);
    snapshot = {
      environment,
      objects: objectsByKey,
      units: [unit],
      errors,
      revision: String(revision),
    };
  };
  set(...first);
  const source: DesiredSource = {
    environment,
    load: async () => snapshot,
    refresh: async (known) => (known === snapshot.revision ? undefined : snapshot),
    find: async (ref) => snapshot.objects.get(resourceKey(ref)),
    ofUnit: async () => [...snapshot.objects.values()],
  };
  return {
    source,
    set,
    /** From now on one unit cannot be read, or all can again; the objects stay. */
    breakUnit(isBroken: boolean): void {
      errors = isBroken ? [{ unit: 'broken', message: 'it is no YAML' }] : [];
      set(...[...snapshot.objects.values()].map((one) => one.object));
    },
  };
}
