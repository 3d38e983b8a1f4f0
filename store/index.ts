export { createStore } from './create-store.ts';
export type { DatabaseOptions } from './database.ts';
export { migrate } from './migrate.ts';
export type {
  DriftRecord,
  OpenEpisodeCount,
  Page,
  RecordQuery,
  Statistics,
  Store,
} from './types.ts';
