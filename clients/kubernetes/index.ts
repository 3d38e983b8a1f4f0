export { createKubernetesClient, type KubernetesOptions } from './client.ts';
export type { ApiResource, Discovery } from './discovery.ts';
export { causesOf, type StatusCause } from './status-error.ts';
export type {
  AccessAnswer,
  AccessQuestion,
  ApplyOptions,
  JsonPatchOperation,
  KubernetesClient,
  ListOptions,
  ObjectList,
  ObjectRef,
  PatchOptions,
  WatchEvent,
  WatchOptions,
} from './types.ts';
