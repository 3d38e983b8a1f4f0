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
export type {
  ChangeSet,
  Dialect,
  EventStatus,
  Filter,
  Identity,
  Labels,
  Revision,
  RevisionName,
  ServerInfo,
  Space,
  Tag,
  Target,
  TargetParameters,
  Unit,
  UnitEvent,
  UnitRef,
  UnitResult,
  UnitSet,
  Upstream,
} from './types.ts';
export type { Where } from './where.ts';
