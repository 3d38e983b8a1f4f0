export { createApi, createMetricsApi, createStartingApi } from './create-api.ts';
export { createRateLimit } from './rate-limit.ts';
export { createDesk, createLookout } from './slack-desk.ts';
export { type RunningApi, startApi } from './start-api.ts';
export type {
  ApiDeps,
  CodecDeps,
  DecisionAnswer,
  Person,
  Readiness,
  WirePayload,
} from './types.ts';
