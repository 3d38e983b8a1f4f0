/** A rule that holds without being configured: who may write what without its being drift. */
export type DefaultRule = {
  readonly id: string;
  /** What it hides, for people. */
  readonly hides: string;
  readonly reason: string;
  /** An apply that sets such a field back undoes what somebody is meant to do: it is asked about. */
  readonly isKept: boolean;
};

/**
 * What every comparison knows, as rules with names. A configured ignore rule that fits a difference takes the place of the default
 * that would hide it: `effect: report` turns it off there, bounds narrow it.
 */
export const DEFAULT_RULES = [
  {
    id: 'default/autoscaled-replicas',
    hides: 'replicas written by an autoscaler or through the scale subresource by a controller',
    reason: 'an autoscaler owns the number of replicas',
    isKept: true,
  },
  {
    id: 'default/aggregated-roles',
    hides: 'rules of ClusterRoles written by the control plane',
    reason: 'the control plane aggregates roles',
    isKept: true,
  },
  {
    id: 'default/volume-binding',
    hides: 'fields of PersistentVolumeClaims written by the control plane',
    reason: 'the control plane binds volumes',
    isKept: true,
  },
  {
    id: 'default/control-plane',
    hides: 'every other declared field whose last writer is a part of the control plane',
    reason: 'the control plane fills it in',
    isKept: true,
  },
  {
    id: 'default/ca-bundle',
    hides: 'caBundle written by a controller',
    reason: 'a controller injects certificates',
    isKept: true,
  },
  {
    id: 'default/service-account-secrets',
    hides: 'secrets and imagePullSecrets of ServiceAccounts written by a controller',
    reason: 'a controller adds its secrets',
    isKept: true,
  },
  {
    id: 'default/history-annotations',
    hides:
      'restartedAt, deployment revision, last-applied-configuration and other notes of what happened',
    reason: 'history, never desired state',
    isKept: false,
  },
] as const satisfies readonly DefaultRule[];

export type DefaultRuleId = (typeof DEFAULT_RULES)[number]['id'];

export function defaultRule(id: DefaultRuleId): DefaultRule | undefined {
  return DEFAULT_RULES.find((rule) => rule.id === id);
}
