import type { Readiness } from '../api/index.ts';
import { fromUnknown } from '../lib/errors.ts';
import type { Watcher } from '../watcher/index.ts';
import type { PartState } from './opening.ts';
import { isApiAlone, type Parts } from './parts.ts';
import type { SlackDoor } from './slack-door.ts';
import type { RunningWorker } from './worker.ts';

/** What a process consists of so far; filled while it starts. */
export type Running = {
  /** Parts as they are being opened, by name. */
  readonly opening: Map<string, PartState>;
  parts?: Parts;
  watcher?: Watcher;
  worker?: RunningWorker;
  slack?: SlackDoor;
};

/** Asks every part how it is. While parts are being opened that is what the opening says of them. */
export async function readinessOf(
  running: Running,
  roles: readonly string[],
): Promise<readonly Readiness[]> {
  const { opening, parts, watcher, worker } = running;
  return Promise.all([
    ...(parts ? probes(parts, roles) : opening.values()),
    ...(roles.includes('watcher') ? [watcherReadiness(watcher)] : []),
    ...(roles.includes('worker') ? [{ part: 'worker', ok: worker?.isRunning() ?? false }] : []),
  ]);
}

function probes(parts: Parts, roles: readonly string[]): readonly Promise<Readiness>[] {
  const { store, temporal } = parts;
  return [
    probe('postgres', () => store.ping()),
    probe('temporal', () => temporal.ping()),
    ...(isApiAlone({ roles }) ? [] : [probe('confighub', () => parts.hub.info())]),
  ];
}

async function probe(part: string, look: () => Promise<unknown>): Promise<Readiness> {
  try {
    await look();
    return { part, ok: true };
  } catch (error) {
    return { part, ok: false, message: fromUnknown(error).message };
  }
}

function watcherReadiness(watcher: Watcher | undefined): Readiness {
  if (!watcher) return { part: 'watcher', ok: false };
  const { ready, environments, clusters } = watcher.status();
  const messages = [
    ...environments.flatMap((one) => (one.message ? [`${one.environment}: ${one.message}`] : [])),
    ...clusters.flatMap((one) => (one.message ? [`${one.server}: ${one.message}`] : [])),
  ];
  return {
    part: 'watcher',
    ok: ready,
    ...(messages.length > 0 && { message: messages.join('; ') }),
  };
}
