import { z } from 'zod';
import type { ConfigHub } from '../../clients/confighub/index.ts';
import { AppError, fromUnknown } from '../../lib/errors.ts';
import { type Hands, scaleTo, type Target } from '../demo/hands.ts';
import type { DemoRecord, Observer } from '../demo/observer.ts';
import type { Rest } from '../rest.ts';
import { decisionSchema, recordSchema } from '../wire.ts';

type WorkflowTest = {
  readonly rest: Rest;
  readonly observer: Observer;
  readonly hands: Hands;
  readonly hub: ConfigHub;
  /** One line for people. */
  readonly say: (line: string) => void;
  /** What Realign watches: the environment, its space, and a Deployment that a unit of that space declares. */
  readonly environment: string;
  readonly space: string;
  readonly target: Target;
  /** Of the unit. */
  readonly unit: string;
};

const readySchema = z.looseObject({ status: z.string() });
const historySchema = z.looseObject({
  episodes: z.array(
    z.looseObject({
      steps: z.array(
        z.looseObject({ step: z.string(), status: z.string(), attempt: z.number().nullish() }),
      ),
    }),
  ),
});
const specSchema = z.looseObject({ spec: z.looseObject({ replicas: z.number() }) });

/** Added by hand to what is declared. */
const MORE = 2;

/**
 * Drives one whole drift through a running Realign: scales a Deployment by hand, answers the question if one is asked, and follows
 * it to the verified fix, a line for each step. Throws at the first step that does not happen, and takes its own edit back.
 */
export async function testWorkflow(test: WorkflowTest): Promise<void> {
  const { rest, hands, target, say } = test;
  await step(say, 'the api is ready', () => rest.get('/ready', readySchema));
  const [declared, before] = await step(say, `${target.name} does not drift`, () => calm(test));
  const edited = scaleTo(declared + MORE);
  await step(say, `${target.name} is scaled by hand: ${declared} → ${declared + MORE}`, () =>
    hands.edit(target, edited),
  );
  try {
    await follow(test, declared, before);
  } catch (error) {
    // Whatever did not work, the cluster is left as it was found.
    await hands.edit(target, scaleTo(declared)).catch((reason: unknown) => {
      say(`      ${target.name} could not be scaled back: ${fromUnknown(reason).message}`);
    });
    throw error;
  }
}

async function follow(
  test: WorkflowTest,
  declared: number,
  before: string | undefined,
): Promise<void> {
  const { observer, environment, target, say, hands } = test;
  const isNew = (record: DemoRecord) => record.first_detected !== before;
  await step(say, 'the drift is on record', () =>
    observer.record(
      environment,
      target,
      'the drift on record',
      (one) => isNew(one) && one.drift_details.some(({ field }) => field === 'spec.replicas'),
    ),
  );
  const decided = await step(say, 'it was decided what to do', () =>
    observer.record(
      environment,
      target,
      'a decision',
      (one) => isNew(one) && (one.drift_status === 'resolved' || Boolean(one.question_id)),
    ),
  );
  if (decided.drift_status !== 'resolved' && decided.question_id) {
    const id = decided.question_id;
    await step(say, `the question ${id} is approved`, () => approve(test, id));
  }
  const ended = await step(say, 'the run has ended', () =>
    observer.record(
      environment,
      target,
      'the end',
      (one) => isNew(one) && one.drift_status === 'resolved',
    ),
  );
  await step(say, `the fix is verified: ${ended.resolution_message ?? ''}`, async () => {
    const { spec } = specSchema.parse(await hands.read(target));
    if (ended.outcome === 'fixed' && spec.replicas === declared) return;
    throw new AppError(
      'INTERNAL',
      `the drift ended as ${ended.outcome} with ${spec.replicas} replicas, not as fixed with ${declared}`,
    );
  });
  await step(say, 'ConfigHub holds its ChangeSet', () => changeSetOf(test));
  await tellSteps(test);
}

/** How many replicas are declared, and when the last drift was seen. CONFLICT while one is open. */
async function calm({
  rest,
  hands,
  environment,
  target,
}: WorkflowTest): Promise<[number, string | undefined]> {
  const { spec } = specSchema.parse(await hands.read(target));
  const record = await rest
    .get(recordPath(environment, target), recordSchema)
    .catch((error: unknown) => {
      if (fromUnknown(error).code === 'NOT_FOUND') return undefined;
      throw error;
    });
  if (record?.drift_status === 'active') {
    throw new AppError(
      'CONFLICT',
      `${target.name} of ${environment} drifts already: decide about that first (realign show)`,
    );
  }
  return [spec.replicas, record?.first_detected ?? undefined];
}

async function approve({ rest, observer }: WorkflowTest, id: string): Promise<void> {
  const question = await observer.question(`question ${id}`, (one) => one.id === id);
  await rest.post(`/api/v1/questions/${encodeURIComponent(id)}/decisions`, decisionSchema, {
    decision: 'approve',
    digest: question.digest,
    reason: 'realign test-workflow',
  });
}

async function changeSetOf({ hub, space, unit }: WorkflowTest): Promise<void> {
  const found = await hub.findSpace(space);
  const present = found && (await hub.findUnit(found.spaceId, unit));
  if (!found || !present) throw new AppError('NOT_FOUND', `there is no unit ${space}/${unit}`);
  const changeSets = await hub.listChangeSets(found.spaceId);
  const description = present.lastChangeDescription;
  if (changeSets.some((one) => one.description === description)) return;
  throw new AppError(
    'NOT_FOUND',
    `no ChangeSet of ${space} says what unit ${unit} does: ${description}`,
  );
}

/** Every step of the run as it ended, from the record. */
async function tellSteps({ rest, environment, target, say }: WorkflowTest): Promise<void> {
  const path = `${recordPath(environment, target)}/history`;
  const { episodes } = await rest.get(path, historySchema, { limit: 1 });
  const steps = episodes[0]?.steps ?? [];
  for (const { step: name, status, attempt } of steps.filter((one) => one.status !== 'started')) {
    say(`      ${name} ${status}${attempt && attempt > 1 ? `, attempt ${attempt}` : ''}`);
  }
}

function recordPath(environment: string, { kind, namespace, name }: Target): string {
  const id = `${environment}:${kind}:${namespace}:${name}`;
  return `/api/v1/drift-records/${encodeURIComponent(id)}`;
}

async function step<T>(say: (line: string) => void, what: string, work: () => Promise<T>) {
  const startedMs = Date.now();
  try {
    const result = await work();
    say(`ok    ${what}  ${((Date.now() - startedMs) / 1_000).toFixed(1)} s`);
    return result;
  } catch (error) {
    say(`FAIL  ${what}`);
    throw error;
  }
}
