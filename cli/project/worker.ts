import type { BridgeWorker, ConfigHub, Space } from '../../clients/confighub/index.ts';
import { ensureTarget } from '../../examples/acorn-bear/install.ts';
import { AppError } from '../../lib/errors.ts';
import { type Project, requireSpace } from '../project.ts';
import { ownSlug } from './own-install.ts';

/** Where ConfigHub's worker runs in a cluster. */
export const WORKER_NAMESPACE = 'confighub';
const WORKER = 'realign-worker';
const FIELD_MANAGER = 'realign-cli';
const CONNECTED = 'Ready';

/**
 * Sees to it that the spaces of an environment can be applied: a worker, a target, and units that point to it. A server with
 * built-in workers has the first one already. Where applies go through a worker that is not connected, what it logs in with is
 * put into the person's cluster, and SETUP_FAILED says what to start. Where releases are fetched by a controller, nothing has to run.
 */
export async function runSetupWorker(project: Project, environment: string): Promise<void> {
  const { hub, prefix, dryRun, say } = project;
  const space = await requireSpace(hub, prefix, environment);
  const own = await hub.findSpace(ownSlug(prefix, environment));
  const spaces = own ? [space, own] : [space];
  if (dryRun) {
    for (const one of spaces) await sayPlan(project, one);
    return;
  }
  const workers: Placed[] = [];
  for (const one of spaces) workers.push({ space: one, worker: await setUp(project, one) });
  const { dialect } = await hub.info();
  const away = workers.filter(({ worker }) => worker.condition !== CONNECTED);
  if (dialect === 'bridge' && away.length > 0) throw await notConnected(project, away);
  say(`the units of ${environment} can be applied`);
}

type Placed = { readonly space: Space; readonly worker: BridgeWorker };

/** All of them at once, so that nobody has to come back for each. */
async function notConnected(project: Project, away: readonly Placed[]): Promise<AppError> {
  const cluster = await project.cluster();
  try {
    const lines: string[] = [];
    let isComplete = true;
    for (const { space, worker } of away) {
      const name = workerSecretName(space);
      const place = { group: '', version: 'v1', kind: 'Secret', namespace: WORKER_NAMESPACE, name };
      const isKept = (await cluster.get(place)) !== undefined;
      isComplete &&= isKept;
      const which = `worker ${worker.slug} of space ${space.slug} is ${worker.condition || 'not connected'}`;
      lines.push(`${which}: ${isKept ? LOGIN : NO_LOGIN} the Secret ${WORKER_NAMESPACE}/${name}`);
    }
    const repair = isComplete ? START_IT : MAKE_IT_ANEW;
    return new AppError('SETUP_FAILED', lines.join('\n'), { details: { repair } });
  } finally {
    cluster.close();
  }
}

const LOGIN = 'its CONFIGHUB_WORKER_ID and CONFIGHUB_WORKER_SECRET are in';
const NO_LOGIN = 'what it logs in with, which ConfigHub shows only once, is not in';
const START_IT =
  "Start ConfigHub's worker in the cluster with what the Secret holds, wait until `cub worker list` calls it Ready, then run the command again.";
const MAKE_IT_ANEW =
  'Start each worker where what it logs in with is kept; where that is nowhere, delete it in ConfigHub (`cub worker delete`). Then run the command again.';

async function sayPlan({ hub, say }: Project, space: Space): Promise<void> {
  const [worker] = await hub.listWorkers(space.spaceId);
  const pointless = await unitsWithoutTarget(hub, space);
  say(
    worker
      ? `space ${space.slug} has worker ${worker.slug}, ${worker.condition || 'not connected'}`
      : `would create worker ${WORKER} in space ${space.slug}`,
  );
  if (pointless.length > 0) say(`would give ${pointless.length} units of ${space.slug} a target`);
}

async function setUp(project: Project, space: Space): Promise<BridgeWorker> {
  const { hub, say } = project;
  const worker = await ensureWorker(project, space);
  const { targetId } = await ensureTarget(hub, space, space.slug);
  const units = await unitsWithoutTarget(hub, space);
  if (targetId !== undefined) {
    for (const unit of units) await hub.patchUnit(unit, { targetId });
  }
  say(`space ${space.slug}: worker ${worker.slug}, target cluster, ${units.length} units pointed`);
  return worker;
}

async function ensureWorker(project: Project, space: Space): Promise<BridgeWorker> {
  const { hub } = project;
  const [present] = await hub.listWorkers(space.spaceId);
  if (present) return present;
  const create = () => hub.createWorker(space.spaceId, { slug: WORKER });
  if ((await hub.info()).dialect !== 'bridge') return (await create()).worker;
  // Opened and tried first: what the worker logs in with is shown once, and must not be lost for want of a place.
  const cluster = await project.cluster();
  try {
    const apply = (object: Parameters<typeof cluster.applyServerSide>[0]) =>
      cluster.applyServerSide(object, { fieldManager: FIELD_MANAGER, force: true });
    await apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: WORKER_NAMESPACE } });
    const { worker, secret } = await create();
    if (secret !== '') await apply(secretOf(space, { id: worker.workerId, secret }));
    return worker;
  } finally {
    cluster.close();
  }
}

/** Seen by nobody here: it goes from ConfigHub's answer into the cluster, where the worker reads it. */
function secretOf(space: Space, { id, secret }: { readonly id: string; readonly secret: string }) {
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: workerSecretName(space), namespace: WORKER_NAMESPACE },
    type: 'Opaque',
    stringData: { CONFIGHUB_WORKER_ID: id, CONFIGHUB_WORKER_SECRET: secret },
  };
}

/** Where the worker of a space finds what it logs in with. */
export function workerSecretName(space: Space): string {
  return `confighub-worker-${space.slug}`;
}

async function unitsWithoutTarget(hub: ConfigHub, space: Space) {
  const units = await hub.listUnits({ space: space.spaceId, detail: 'summary' });
  return units.filter((unit) => unit.targetId === undefined);
}
