import type { ManagedFieldsEntry } from '../resource-ref.ts';

/**
 * What kind of program a field manager's name stands for. Names are chosen by clients and can be forged, so a class only
 * decides whether a change is expected from such a program at such a place, never who the person was.
 */
export const MANAGER_CLASSES = ['control-plane', 'deliverer', 'person', 'controller'] as const;
export type ManagerClass = (typeof MANAGER_CLASSES)[number];

/** Field managers that write the desired state on Realign's behalf. */
export const DEFAULT_APPLIERS: readonly string[] = ['confighub', 'realign', 'realign-repair'];

const CONTROL_PLANE =
  /^(?:kube-(?:controller-manager|scheduler|apiserver|proxy)|kubelet|kubelite|hyperkube|k3s|k0s|rke2|(?:[\w-]+-)?cloud-controller-manager|clusterrole-aggregation-controller|openshift-(?:kube-)?controller-manager|cluster-(?:policy|kube)-controller(?:-manager)?)$/;
const DELIVERER =
  /^(?:argocd(?:-.*)?|kustomize-controller|helm-controller|flux(?:-.*)?|helm|fleet(?:-?agent)?|configsync.*|kapp.*|sveltos.*|terraform|pulumi.*|carvel.*)$/i;
const PERSON =
  /^(?:kubectl(?:-.*)?|oc|open ?lens|lens|freelens|k9s|node-fetch|axios|mozilla|chrome|safari|dashboard|kubernetes-dashboard|headlamp(?:-.*)?|octant|aptakube|kubenav|monokle|kui|curl|wget|httpie|postmanruntime|insomnia|python-requests|python-urllib|openapi-generator|swagger-codegen|okhttp|java|ruby|before-first-apply)$/i;
const SCALER = /(?:autoscaler|keda|\bhpa\b|\bvpa\b|-controller|-controller-manager|-operator)/i;

export function classOfManager(manager: string): ManagerClass {
  if (CONTROL_PLANE.test(manager)) return 'control-plane';
  if (DELIVERER.test(manager)) return 'deliverer';
  if (PERSON.test(manager)) return 'person';
  return 'controller';
}

/** An autoscaler's (or another controller's) write through the `scale` subresource: never a person's `kubectl scale`. */
export function isScaler(entry: ManagedFieldsEntry, managerClass: ManagerClass): boolean {
  if (managerClass === 'control-plane') return true;
  return managerClass === 'controller' && SCALER.test(entry.manager ?? '');
}

/** The writer's name for `who`; entries that Kubernetes merged say nothing about it any more. */
export function writerOf(entry: ManagedFieldsEntry): string {
  const manager = entry.manager ?? '';
  return manager === '' || manager === 'ancient-changes' || manager === 'before-first-apply'
    ? 'unknown'
    : manager;
}
