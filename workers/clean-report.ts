import type { ResourceRef } from '../drift/resource-ref.ts';
import type { Parts } from './parts.ts';

/**
 * Tells a resource's run that its drift is gone. Where no run is open there is nothing to do, unless it was terminated by hand: then
 * nobody else would ever close its episode, withdraw its question or free its unit, so a new run does.
 */
export function createCleanReport({
  driftDoor,
  store,
  log,
}: Pick<Parts, 'driftDoor' | 'store' | 'log'>): (ref: ResourceRef, seq: number) => Promise<void> {
  return async (ref, seq) => {
    if (await driftDoor.reportClean(ref, seq)) return;
    const [latest] = await store.episodes.listFor(ref, 1);
    if (!latest || latest.endedAt !== undefined) return;
    const { episodeId } = latest;
    const [last] = await store.questions.listOf(episodeId, 1);
    log.warn({ episodeId, ...ref }, 'the run of this drift is gone; another one closes it');
    await driftDoor.takeUp(ref, { episodeId, questions: last?.number ?? 0 });
  };
}
