import type { JsonPatchOperation, KubernetesClient } from '../../clients/kubernetes/index.ts';
import type { KubeObject } from '../../drift/resource-ref.ts';
import { AppError } from '../../lib/errors.ts';

/** Kind, name and API group of what the demo edits. */
export type Target = {
  readonly group: string;
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
};

/** Edits the cluster as somebody with kubectl would, under the admin's identity. */
export type Hands = {
  edit(target: Target, operations: readonly JsonPatchOperation[]): Promise<void>;
  read(target: Target): Promise<KubeObject>;
};

export function createHands(cluster: KubernetesClient): Hands {
  const refOf = (target: Target) => ({ ...target, version: 'v1' });
  return {
    async edit(target, operations) {
      await cluster.jsonPatch(refOf(target), operations, { fieldManager: 'kubectl-edit' });
    },
    async read(target) {
      const object = await cluster.get(refOf(target));
      if (!object)
        throw new AppError('NOT_FOUND', `${target.kind}/${target.name} is not in the cluster`);
      return object;
    },
  };
}

/** `kubectl scale`. */
export function scaleTo(replicas: number): readonly JsonPatchOperation[] {
  return [{ op: 'replace', path: '/spec/replicas', value: replicas }];
}

/** `kubectl set image` for the first container. */
export function imageTo(image: string): readonly JsonPatchOperation[] {
  return [{ op: 'replace', path: '/spec/template/spec/containers/0/image', value: image }];
}

/** One key of a ConfigMap. */
export function dataTo(key: string, value: string): readonly JsonPatchOperation[] {
  return [{ op: 'replace', path: `/data/${key}`, value }];
}
