import type { ConfigHub } from './hub.ts';

export type ReadCalls = Pick<ConfigHub, 'listUnits' | 'getUnit' | 'findUnit' | 'readData'>;
export type WriteCalls = Pick<ConfigHub, 'createUnit' | 'cloneUnit' | 'patchUnit' | 'deleteUnit'>;
export type BulkCalls = Pick<ConfigHub, 'cloneUnits' | 'upgradeUnits'>;
export type GroupCalls = Pick<
  ConfigHub,
  'listSets' | 'createSet' | 'listSetUnits' | 'createChangeSet'
>;
export type ActionCalls = Pick<
  ConfigHub,
  | 'applyUnit'
  | 'applyUnits'
  | 'waitForOperation'
  | 'approveUnit'
  | 'liveState'
  | 'listUnitEvents'
  | 'tagUnits'
  | 'releaseTo'
>;
export type HistoryCalls = Pick<
  ConfigHub,
  'writeData' | 'restoreUnit' | 'revisionData' | 'listRevisions'
>;

/** The calls that the dialects answer differently. */
export type DialectCalls = ReadCalls &
  WriteCalls &
  BulkCalls &
  GroupCalls &
  ActionCalls &
  HistoryCalls;

/** Calls that wait until the dialect is known. */
export function createDialectCalls(chosen: () => Promise<DialectCalls>): DialectCalls {
  return {
    listUnits: async (...args) => (await chosen()).listUnits(...args),
    getUnit: async (...args) => (await chosen()).getUnit(...args),
    findUnit: async (...args) => (await chosen()).findUnit(...args),
    readData: async (...args) => (await chosen()).readData(...args),
    revisionData: async (...args) => (await chosen()).revisionData(...args),
    createUnit: async (...args) => (await chosen()).createUnit(...args),
    cloneUnit: async (...args) => (await chosen()).cloneUnit(...args),
    cloneUnits: async (...args) => (await chosen()).cloneUnits(...args),
    writeData: async (...args) => (await chosen()).writeData(...args),
    patchUnit: async (...args) => (await chosen()).patchUnit(...args),
    deleteUnit: async (...args) => (await chosen()).deleteUnit(...args),
    upgradeUnits: async (...args) => (await chosen()).upgradeUnits(...args),
    restoreUnit: async (...args) => (await chosen()).restoreUnit(...args),
    applyUnit: async (...args) => (await chosen()).applyUnit(...args),
    applyUnits: async (...args) => (await chosen()).applyUnits(...args),
    waitForOperation: async (...args) => (await chosen()).waitForOperation(...args),
    approveUnit: async (...args) => (await chosen()).approveUnit(...args),
    liveState: async (...args) => (await chosen()).liveState(...args),
    listRevisions: async (...args) => (await chosen()).listRevisions(...args),
    listUnitEvents: async (...args) => (await chosen()).listUnitEvents(...args),
    listSets: async (...args) => (await chosen()).listSets(...args),
    createSet: async (...args) => (await chosen()).createSet(...args),
    listSetUnits: async (...args) => (await chosen()).listSetUnits(...args),
    createChangeSet: async (...args) => (await chosen()).createChangeSet(...args),
    releaseTo: async (...args) => (await chosen()).releaseTo(...args),
    tagUnits: async (...args) => (await chosen()).tagUnits(...args),
  };
}
