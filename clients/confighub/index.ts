export { type ConfighubOptions, createConfighubClient } from './client.ts';
export type {
  ConfigHub,
  NewUnit,
  UnitClone,
  UnitDetail,
  UnitPatch,
  UnitQuery,
  WaitOptions,
  WriteOptions,
} from './hub.ts';
export type * from './types.ts';
export type { Where } from './where.ts';
