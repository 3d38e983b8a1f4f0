/** What the status player needs to know of an object. */
export type WatchedObject = {
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly generation?: number;
    readonly resourceVersion?: string;
    readonly deletionTimestamp?: string;
  };
  readonly spec?: { readonly replicas?: number };
  readonly status?: Readonly<Record<string, unknown>>;
};

/** The status that Kubernetes' own controller would have written once the rollout was complete. */
export function healthyStatus(plural: string, object: WatchedObject): Record<string, unknown> {
  const counts = healthyCounts(plural, object);
  if (plural !== 'deployments') return counts;
  const since = new Date().toISOString().replace(/\.\d+Z$/, 'Z');
  const condition = (type: string, reason: string, message: string) => ({
    type,
    status: 'True',
    reason,
    message,
    lastTransitionTime: since,
    lastUpdateTime: since,
  });
  return {
    ...counts,
    conditions: [
      condition('Available', 'MinimumReplicasAvailable', 'Deployment has minimum availability.'),
      condition('Progressing', 'NewReplicaSetAvailable', 'The rollout has completed.'),
    ],
  };
}

/** True if the status already says so; a count of 0 is left out by the API server. */
export function isSettled(plural: string, object: WatchedObject): boolean {
  const status = object.status ?? {};
  return Object.entries(healthyCounts(plural, object)).every(
    ([field, count]) => (status[field] ?? 0) === count,
  );
}

function healthyCounts(plural: string, object: WatchedObject): Record<string, number> {
  const observedGeneration = object.metadata.generation ?? 0;
  if (plural === 'daemonsets') {
    // One node, as far as anybody can see.
    return {
      observedGeneration,
      desiredNumberScheduled: 1,
      currentNumberScheduled: 1,
      updatedNumberScheduled: 1,
      numberReady: 1,
      numberAvailable: 1,
      numberMisscheduled: 0,
    };
  }
  const replicas = object.spec?.replicas ?? 1;
  return {
    observedGeneration,
    replicas,
    readyReplicas: replicas,
    updatedReplicas: replicas,
    availableReplicas: replicas,
    ...(plural === 'statefulsets' ? { currentReplicas: replicas } : { unavailableReplicas: 0 }),
  };
}
