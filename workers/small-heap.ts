import { setFlagsFromString } from 'node:v8';

// New objects get 1 MB or so, where V8 would let it grow to 16 MB and more, three times over.
const NO_GROWTH_OF_NEW_SPACE = '--semi-space-growth-factor=1';
// The heap may grow by 30 % before it is collected again; V8 lets it double or quadruple.
const GROWTH_UNTIL_COLLECTED = '--heap-growing-percent=30';

/**
 * Makes this process collect its garbage early. A start reads tens of megabytes of JSON and YAML of which little stays, and V8
 * by itself keeps the pages: twice the memory for a tenth less processor time. For a process that is a watcher and nothing
 * else, before it reads anything. Both flags are looked at with each collection, so that they may be set while V8 runs.
 */
export function keepHeapSmall(): void {
  setFlagsFromString(NO_GROWTH_OF_NEW_SPACE);
  setFlagsFromString(GROWTH_UNTIL_COLLECTED);
}
