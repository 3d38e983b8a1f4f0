import { unmanagedChange } from '../drift/compare/unmanaged.ts';
import { diffDigest } from '../lib/drift-digest.ts';
import type { WatcherState } from '../lib/metrics.ts';
import { createWatcher, type Judge, type Watcher } from '../watcher/index.ts';
import { createCleanReport } from './clean-report.ts';
import { openComparer } from './comparer.ts';
import { createLostRecords } from './lost-records.ts';
import type { Parts } from './parts.ts';

/** The watcher of all environments, reporting each drift to its resource's workflow. */
export function openWatcher(parts: Parts): Watcher {
  const { config, driftDoor, store, metrics } = parts;
  const reportClean = createCleanReport(parts);
  const compareLive = openComparer(parts, { collectExcused: false });
  const judge: Judge = (desired, live) => {
    const { changes, severity } = compareLive(desired, live);
    return changes.length === 0
      ? undefined
      : { digest: diffDigest(parts.keyedHash, changes), severity };
  };
  const watcher = createWatcher({
    environments: [...parts.environments.values()],
    resources: config.resources,
    judge,
    judgeUnmanaged: (live) => {
      const change = unmanagedChange(live);
      if (!change) return undefined;
      const digest = diffDigest(parts.keyedHash, [change]);
      return { digest, severity: change.severity, unmanaged: true };
    },
    report: (report) =>
      report.kind === 'drift'
        ? driftDoor.reportDrift(report.ref, report.digest, report.seq)
        : reportClean(report.ref, report.seq),
    activeRecords: async () => (await store.episodes.listOpen()).map((episode) => episode.ref),
    lostRecords: createLostRecords(parts),
    refreshMs: config.confighub.refreshMs,
    log: parts.log,
    metrics,
  });
  metrics.readAtScrape({ watcher: () => stateOf(watcher) });
  return watcher;
}

function stateOf(watcher: Watcher): WatcherState {
  const { queued, comparisons, clusters, environments } = watcher.status();
  const reflectors = clusters.flatMap((one) => one.reflectors);
  return {
    queued,
    comparisons,
    forbidden: reflectors.filter((one) => one.state === 'forbidden').length,
    environments: environments.map(({ environment, lagMs }) => {
      return { environment, lagSeconds: lagMs / 1_000 };
    }),
  };
}
