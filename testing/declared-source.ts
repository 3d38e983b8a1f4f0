import type { Unit } from '../clients/confighub/index.ts';
import type { DesiredObject, DesiredSnapshot, DesiredSource } from '../desired/source.ts';
import { compileDesired } from '../drift/compare/compile.ts';
import { type KubeObject, refOf, resourceKey } from '../drift/resource-ref.ts';

/** A source whose state the test sets; what it declares counts as applied. */
export function declareObjects(environment: string, ...first: KubeObject[]) {
  const unit = { slug: 'shop' } as Unit;
  let revision = 0;
  let errors: DesiredSnapshot['errors'] = [];
  let hidden: ReadonlySet<string> = new Set();
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
      hiddenBy: (key) => (hidden.size === 0 || hidden.has(key) ? errors[0] : undefined),
      revision: String(revision),
    };
  };
  set(...first);
  const source: DesiredSource = {
    environment,
    load: async () => snapshot,
    refresh: async (known) => (known === snapshot.revision ? undefined : snapshot),
    find: async (ref) => snapshot.objects.get(resourceKey(ref)),
    place: (object) => object,
    ofUnit: async () => [...snapshot.objects.values()],
  };
  return {
    source,
    set,
    /** From now on one unit cannot be read, or all can again; the objects stay, but for those that it declared. */
    breakUnit(isBroken: boolean, ...declared: KubeObject[]): void {
      errors = isBroken ? [{ unit: 'broken', message: 'it is no YAML' }] : [];
      hidden = new Set(declared.map((one) => resourceKey(refOf(environment, one))));
      const left = [...snapshot.objects].filter(([key]) => !hidden.has(key));
      set(...left.map(([, one]) => one.object));
    },
  };
}
