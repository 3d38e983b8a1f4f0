/** The watcher alone in its own process, so that its memory is nobody else's. Arguments: kubeconfig, directory of units, number of objects. */
import { createKubernetesClient } from '../clients/kubernetes/index.ts';
import { compareLive } from '../desired/compare-live.ts';
import { createConfighubSource } from '../desired/confighub.ts';
import { keyedHash } from '../lib/digest.ts';
import { diffDigest } from '../lib/drift-digest.ts';
import { createLog } from '../lib/log.ts';
import { createWatcher } from '../watcher/index.ts';
import { keepHeapSmall } from '../workers/small-heap.ts';
import { fleetUnits, NAMESPACE, RESOURCES } from './watch-fixture.ts';

const [kubeconfig = '', directory = '', count = '0'] = process.argv.slice(2);
const say = (line: object): void => void process.stdout.write(`${JSON.stringify(line)}\n`);

keepHeapSmall();
const cluster = await createKubernetesClient({ kubeconfig, userAgent: 'realign' });
const hub = fleetUnits(directory, Number(count));
const environment = {
  name: 'bench',
  source: { kind: 'confighub', space: 'bench' },
  defaultNamespace: NAMESPACE,
  namespaces: [NAMESPACE],
} as const;
const watcher = createWatcher({
  environments: [
    { config: environment, source: createConfighubSource({ hub, environment }), cluster },
  ],
  resources: RESOURCES,
  judge(desired, live) {
    const { changes, severity } = compareLive(desired, live, { appliers: ['confighub'] });
    if (changes.length === 0) return undefined;
    return { digest: diffDigest((text) => keyedHash('bench', text), changes), severity };
  },
  report: async ({ kind, ref }) => say({ report: kind, name: ref.name, atMs: Date.now() }),
  activeRecords: async () => [],
  refreshMs: 5_000,
  log: createLog('warn'),
});
const startedAt = performance.now();
const cpuBefore = process.cpuUsage();
await watcher.start(new AbortController().signal);
const seconds = (performance.now() - startedAt) / 1_000;
const { comparisons, environments } = watcher.status();
say({
  ready: true,
  seconds,
  cpu_s: (process.cpuUsage(cpuBefore).user + process.cpuUsage(cpuBefore).system) / 1e6,
  comparisons,
  objects: environments[0]?.objects,
  drifted: environments[0]?.drifted,
  errors: environments[0]?.errors.length,
  rss_mb: process.memoryUsage.rss() / 1e6,
  peak_rss_mb: process.resourceUsage().maxRSS / 1e3,
});
process.once('SIGTERM', () => {
  const { rss, heapUsed } = process.memoryUsage();
  say({ rss_mb: rss / 1e6, heap_mb: heapUsed / 1e6 });
  process.exit(0);
});
