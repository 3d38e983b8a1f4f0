import type { MakeCounter } from './metric-makers.ts';

/** What was deleted because of its age. */
export function retentionMetrics(counter: MakeCounter) {
  const deleted = counter(
    'realign_retention_deleted_rows_total',
    'Rows that were deleted because they are older than `retention`.',
    ['table'],
  );
  return {
    oldRowsDeleted: (table: string, count: number) => deleted.inc({ table }, count),
  };
}
