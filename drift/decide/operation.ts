/** What is done to a unit. `restore` takes back what a failed plan had written, `rollback` what somebody wants to be undone. */
export const UNIT_WRITE_KINDS = ['write', 'upgrade', 'apply', 'restore', 'rollback'] as const;
export type UnitWriteKind = (typeof UNIT_WRITE_KINDS)[number];

/** One step of a plan that was carried out on a unit. */
export type UnitWrite = {
  /** The same for all steps of one carrying-out of a plan. */
  readonly operationId: string;
  readonly episodeId: string;
  readonly kind: UnitWriteKind;
  /** Makes it unique within episode and kind. */
  readonly key: string;
  readonly space: string;
  readonly unit: string;
  readonly description: string;
  readonly status: 'started' | 'done' | 'failed';
  /** Of the unit, afterwards. */
  readonly revision?: number;
  readonly message?: string;
  readonly startedAt: string;
  readonly endedAt?: string;
};

/** One carrying-out of a plan, as people look it up. */
export type Operation = {
  readonly operationId: string;
  /** `accept` writes live values into a unit, `upgrade` merges an upstream, `apply` only applies. */
  readonly type: 'accept' | 'upgrade' | 'apply' | 'rollback';
  readonly status: 'running' | 'done' | 'failed';
  readonly episodeId: string;
  readonly description: string;
  /** `space/unit`, each once, in the order in which they were touched. */
  readonly units: readonly string[];
  readonly startedAt: string;
  readonly endedAt?: string;
};

/** One row of the audit trail: who did what, and to what. */
export type AuditEntry = {
  readonly at: string;
  /** A person, or `realign`. */
  readonly user: string;
  /** A decision (`approve`), or what was done to a unit (`apply`). */
  readonly action: string;
  readonly details: string;
  readonly episodeId: string;
};

/** The operation that these steps, oldest first, are. Undefined for no steps. */
export function operationOf(writes: readonly UnitWrite[]): Operation | undefined {
  const [first] = writes;
  if (first === undefined) return undefined;
  const { operationId, episodeId, description, startedAt } = first;
  const status = statusOf(writes);
  const endedAt = writes
    .flatMap((one) => one.endedAt ?? [])
    .toSorted()
    .at(-1);
  return {
    ...{ operationId, type: typeOf(writes), status, episodeId, description, startedAt },
    units: [...new Set(writes.map(({ space, unit }) => `${space}/${unit}`))],
    ...(status !== 'running' && endedAt !== undefined && { endedAt }),
  };
}

function typeOf(writes: readonly UnitWrite[]): Operation['type'] {
  const kinds = new Set(writes.map((one) => one.kind));
  if (kinds.has('rollback')) return 'rollback';
  if (kinds.has('write')) return 'accept';
  return kinds.has('upgrade') ? 'upgrade' : 'apply';
}

// What had to be restored has failed, even where its last step went well.
function statusOf(writes: readonly UnitWrite[]): Operation['status'] {
  if (writes.some((one) => one.status === 'started')) return 'running';
  const isUndone = writes.some((one) => one.status === 'failed' || one.kind === 'restore');
  return isUndone ? 'failed' : 'done';
}
