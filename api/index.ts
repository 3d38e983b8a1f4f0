export { createApi, createMetricsApi, createStartingApi } from './create-api.ts';
export { type RunningApi, startApi } from './start-api.ts';
export type { ApiDeps, DecisionAnswer, Person, Readiness } from './types.ts';
