import type { UnitWriteKind } from '../drift/decide/operation.ts';
import type { UnitRef } from '../drift/decide/plan.ts';
import { fromUnknown } from '../lib/errors.ts';
import { withoutQuotedValues } from '../lib/quoted-values.ts';
import type { ActivityDeps } from './deps.ts';
import type { Activities, StepInput } from './types.ts';

/** What all activities say that write to one unit. */
type Writing = StepInput & { readonly description: string };
type Written = { readonly revision: number };

const MAX_MESSAGE_CHARS = 2_000;

/** Writes down what is done to units, for the list of operations and the audit trail: before it is tried and when it has ended. */
export function withUnitWrites(
  activities: Activities,
  { store }: Pick<ActivityDeps, 'store'>,
): Activities {
  const noted =
    <Input extends Writing, Output extends Written>(
      kind: UnitWriteKind,
      unitOf: (input: Input) => UnitRef,
      write: (input: Input) => Promise<Output>,
    ) =>
    async (input: Input): Promise<Output> => {
      const { space, slug: unit } = unitOf(input);
      const { episodeId, key, description } = input;
      const operationId = operationIdOf(episodeId, key);
      const startedAt = new Date().toISOString();
      const row = { operationId, episodeId, kind, key, space, unit, description, startedAt };
      await store.operations.note({ ...row, status: 'started' });
      const end = (rest: { readonly revision?: number; readonly message?: string }) =>
        store.operations.note({
          ...row,
          status: rest.message === undefined ? 'done' : 'failed',
          endedAt: new Date().toISOString(),
          ...rest,
        });
      try {
        const result = await write(input);
        await end({ revision: result.revision });
        return result;
      } catch (error) {
        const message = withoutQuotedValues(fromUnknown(error).message);
        // The failure itself must come out even when Postgres is what is away.
        await end({ message: message.slice(0, MAX_MESSAGE_CHARS) }).catch(() => {});
        throw error;
      }
    };
  return {
    ...activities,
    writeUnit: noted('write', ({ step }) => step.unit, activities.writeUnit),
    upgradeUnit: noted('upgrade', ({ step }) => step.unit, activities.upgradeUnit),
    applyUnit: noted('apply', ({ unit }) => unit, activities.applyUnit),
    restoreUnit: noted('restore', ({ unit }) => unit, activities.restoreUnit),
    rollBackUnit: noted('rollback', ({ step }) => step.unit, activities.rollBackUnit),
  };
}

/** Keys of steps end in `#` and how often the episode's plans have been carried out. */
function operationIdOf(episodeId: string, key: string): string {
  return `${episodeId}-${key.split('#').at(-1)}`;
}
