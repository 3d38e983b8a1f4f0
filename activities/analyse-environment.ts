import type { DesiredObject } from '../desired/source.ts';
import type { AnalysisScope } from '../drift/decide/record.ts';
import {
  type KubeObject,
  type ResourceRef,
  refOf,
  resourceId,
  resourceKey,
} from '../drift/resource-ref.ts';
import { type ActivityDeps, type EnvironmentParts, environmentOf } from './deps.ts';
import type { Heartbeat } from './heartbeat.ts';
import { compareNow, redactedStates } from './inspect.ts';
import type { Activities, AnalysisCounts } from './types.ts';

const PAGE_SIZE = 500;
const MAX_ERRORS = 50;

/** Compares every declared object of an environment, notes the clean ones and reports each drift to its own workflow. */
export function createAnalysisActivities(
  deps: ActivityDeps,
  heartbeat: () => Heartbeat,
): Pick<Activities, 'startAnalysis' | 'analyseEnvironment' | 'finishAnalysis'> {
  return {
    async startAnalysis({ runId, workflowId, scope }) {
      const startedAt = new Date().toISOString();
      await deps.store.analysisRuns.start({ runId, workflowId, scope, startedAt });
      const names = [...deps.environments.keys()];
      return names.filter((one) => scope.environment === undefined || one === scope.environment);
    },

    async analyseEnvironment({ episodeId: runId, environment, scope, before }) {
      using beat = heartbeat();
      const parts = environmentOf(deps, environment);
      const snapshot = await parts.source.load(beat.signal);
      const watched = await watchedKinds(parts, deps.config.resources);
      const objects = [...snapshot.objects.values()].filter(
        (one) => inScope(one, scope) && watched.has(kindKey(one.ref)),
      );
      const live = await readLive(parts, objects, beat);
      const errors = snapshot.errors
        .slice(0, MAX_ERRORS)
        .map((one) => `${environment}: unit ${one.unit}: ${one.message}`);
      let counts: AnalysisCounts = { total: objects.length, checked: 0, drifted: 0, errors };
      for (const desired of objects) {
        const drifted = await analyse(deps, desired, live.get(resourceKey(desired.ref)));
        counts = {
          ...counts,
          checked: counts.checked + 1,
          drifted: counts.drifted + (drifted ? 1 : 0),
        };
        beat.beat();
        if (counts.checked % PAGE_SIZE === 0) await publish(deps, runId, before, counts);
      }
      await publish(deps, runId, before, counts);
      return counts;
    },

    async finishAnalysis({ runId, status, counts, at }) {
      await deps.store.analysisRuns.progress(runId, counts);
      await deps.store.analysisRuns.finish(runId, status, at);
    },
  };
}

/** What tells kinds apart. */
export function kindKey({ group, kind }: Pick<ResourceRef, 'group' | 'kind'>): string {
  return `${group}/${kind}`;
}

/** A unit may hold more than what is watched; only the configured kinds are compared. */
export async function watchedKinds(
  { cluster }: EnvironmentParts,
  resources: readonly string[],
): Promise<ReadonlySet<string>> {
  const discovery = await cluster.discover();
  return new Set(resources.map((name) => kindKey(discovery.resolve(name))));
}

function inScope({ ref }: DesiredObject, scope: AnalysisScope): boolean {
  if (scope.namespace !== undefined && ref.namespace !== scope.namespace) return false;
  return scope.resource === undefined || resourceId(ref) === scope.resource;
}

/** Lists each kind and namespace once, instead of one request per object. */
async function readLive(
  { config, cluster }: EnvironmentParts,
  objects: readonly DesiredObject[],
  beat: Heartbeat,
): Promise<ReadonlyMap<string, KubeObject>> {
  const groups = new Map<string, DesiredObject>();
  for (const one of objects) {
    groups.set(`${one.ref.group}/${one.ref.kind}/${one.ref.namespace}`, one);
  }
  const wanted = new Set(objects.map((one) => resourceKey(one.ref)));
  const discovery = await cluster.discover({ signal: beat.signal });
  const live = new Map<string, KubeObject>();
  for (const { ref } of groups.values()) {
    const resource = discovery.resolveKind(ref);
    let next: string | undefined;
    do {
      const page = await cluster.list(resource, {
        limit: PAGE_SIZE,
        signal: beat.signal,
        ...(ref.namespace !== '' && { namespace: ref.namespace }),
        ...(next !== undefined && { continue: next }),
      });
      for (const object of page.items) {
        const key = resourceKey(refOf(config.name, object));
        if (wanted.has(key)) live.set(key, object);
      }
      next = page.continue;
      beat.beat();
    } while (next !== undefined);
  }
  return live;
}

async function analyse(
  deps: ActivityDeps,
  desired: DesiredObject,
  live: KubeObject | undefined,
): Promise<boolean> {
  const inspection = compareNow(deps, desired, live);
  if (inspection.comparison.changes.length > 0) {
    await deps.reportDrift(desired.ref, inspection.diffDigest);
    return true;
  }
  const at = new Date().toISOString();
  await deps.store.records.noteClean(desired.ref, redactedStates(deps, inspection), at);
  return false;
}

function publish(
  deps: ActivityDeps,
  runId: string,
  before: AnalysisCounts,
  counts: AnalysisCounts,
): Promise<void> {
  return deps.store.analysisRuns.progress(runId, {
    total: before.total + counts.total,
    checked: before.checked + counts.checked,
    drifted: before.drifted + counts.drifted,
    errors: [...before.errors, ...counts.errors].slice(0, MAX_ERRORS),
  });
}
