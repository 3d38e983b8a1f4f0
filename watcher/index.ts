export { type Clock, systemClock } from './clock.ts';
export type { ReflectorOptions, ReflectorStatus } from './reflector.ts';
export type {
  EnvironmentStatus,
  Judge,
  Report,
  Verdict,
  WatchedEnvironment,
  Watcher,
  WatcherDeps,
  WatcherMetrics,
  WatcherStatus,
} from './types.ts';
export { createWatcher } from './watcher.ts';
