import { parseDocument } from 'yaml';
import type { Labels } from '../../clients/confighub/index.ts';

/** What a region changes in a Deployment; promotions keep it. */
export type Customised = {
  /** Requested, and for memory the limit too: a request may not exceed it. */
  readonly resources?: { readonly cpu: string; readonly memory: string };
  readonly labels?: Labels;
  readonly nodeSelector?: Labels;
};

/** The Deployment's manifest with the changes in it; comments and the order of fields stay. */
export function customised(
  manifest: string,
  { resources, labels, nodeSelector }: Customised,
): string {
  const document = parseDocument(manifest);
  const pod = ['spec', 'template', 'spec'];
  if (resources) {
    const place = [...pod, 'containers', 0, 'resources'];
    document.setIn([...place, 'requests', 'cpu'], resources.cpu);
    document.setIn([...place, 'requests', 'memory'], resources.memory);
    document.setIn([...place, 'limits', 'memory'], resources.memory);
  }
  for (const [name, value] of Object.entries(labels ?? {})) {
    document.setIn(['metadata', 'labels', name], value);
  }
  for (const [name, value] of Object.entries(nodeSelector ?? {})) {
    document.setIn([...pod, 'nodeSelector', name], value);
  }
  return document.toString({ lineWidth: 0 });
}
