import { setTimeout as delay } from 'node:timers/promises';
import { sameJson } from '../drift/compare/equal.ts';
import { rolloutOf } from '../drift/compare/rollout.ts';
import type { Episode } from '../drift/decide/record.ts';
import type { ResourceRef } from '../drift/resource-ref.ts';
import { redactChanges } from '../drift/secrets/redact.ts';
import { AppError } from '../lib/errors.ts';
import type { ActivityDeps } from './deps.ts';
import type { Heartbeat } from './heartbeat.ts';
import { type Inspection, inspect } from './inspect.ts';
import type { Activities, Verified } from './types.ts';

const POLL_MS = 250;
const MAX_NAMED_FIELDS = 50;

/** Compares again after a fix, and follows the rollout where a controller reports one. */
export function createVerifyActivities(
  deps: ActivityDeps,
  heartbeat: () => Heartbeat,
): Pick<Activities, 'verify'> {
  return {
    async verify({ episodeId, ref, looksOnce, wasClean: wasCleanBefore = false }) {
      using beat = heartbeat();
      const deadlineMs = beat.scheduledAtMs + deps.config.rolloutTimeoutMs;
      let wasClean: boolean = wasCleanBefore;
      for (;;) {
        const inspection = await inspect(deps, ref, beat.signal);
        // Nobody declares it any more: that is for the next look, and no fix.
        if (!inspection) return { ...fixed(deps, 'none'), recurred: true };
        if (inspection.comparison.changes.length > 0) {
          const episode = await deps.store.episodes.find(episodeId);
          if (episode?.endedAt !== undefined) return { ...fixed(deps, 'none'), wasClosed: true };
          const recurred = wasClean || isAnother(deps, episode, inspection);
          return residueOf(deps, ref, inspection, recurred);
        }
        wasClean = true;
        const { desired, live } = inspection;
        if (live) deps.noteApplied(desired, live);
        const rollout = live ? rolloutOf(live) : 'none';
        if (rollout !== 'progressing' || looksOnce) return fixed(deps, rollout);
        if (Date.now() >= deadlineMs) return fixed(deps, 'unfinished');
        await delay(POLL_MS, undefined, { signal: beat.signal });
      }
    },
  };
}

function fixed(deps: ActivityDeps, rollout: Verified['rollout']): Verified {
  return {
    residue: [],
    diffDigest: '',
    recurred: false,
    rollout,
    patchResidue: deps.config.residue === 'patch',
  };
}

/** A field that was to be fixed has neither the value that it had nor the declared one: somebody set it while we fixed it. */
function isAnother(
  { keyedHash }: Pick<ActivityDeps, 'keyedHash'>,
  episode: Episode | undefined,
  { comparison, desired }: Inspection,
): boolean {
  const before = new Map(episode?.finding?.changes.map(({ path, live }) => [path, live]));
  const left = redactChanges(comparison.changes, desired.ref.kind, keyedHash);
  // Postgres has put the keys of the finding's objects in an order of its own.
  return left.some(({ path, live }) => before.has(path) && !sameJson(before.get(path), live));
}

function residueOf(
  deps: ActivityDeps,
  ref: ResourceRef,
  { comparison, live, diffDigest }: Inspection,
  recurred: boolean,
): Verified {
  if (!live) throw new AppError('APPLY_FAILED', 'the object is missing after the apply');
  const paths = comparison.changes.map((one) => one.path);
  const where = ref.namespace === '' ? '' : ` -n ${ref.namespace}`;
  return {
    residue: paths.slice(0, MAX_NAMED_FIELDS),
    diffDigest,
    recurred,
    rollout: 'none',
    patchResidue: deps.config.residue === 'patch',
    finishCommand: `kubectl edit ${ref.kind.toLowerCase()}/${ref.name}${where}`,
  };
}
