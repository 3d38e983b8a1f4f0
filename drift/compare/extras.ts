import type { JsonObject } from '../json.ts';
import { isJsonObject } from '../json.ts';
import type { PlanNode } from './compile.ts';
import { fieldShape } from './schema.ts';
import { isDefaulted } from './schema-defaults.ts';

/**
 * Whether live holds anything inside an atomic field that desired does not declare and the API server would not have filled
 * in: a `from` in a NetworkPolicy rule, an `effect` in a toleration. The caller knows that both match otherwise.
 */
export function hasUndeclaredContent(node: PlanNode, live: unknown, root: JsonObject): boolean {
  if (Array.isArray(live)) {
    return node.children.some((child, at) => hasUndeclaredContent(child, live[at], root));
  }
  if (!isJsonObject(live) || !isJsonObject(node.value)) return false;
  const { struct } = node.shape;
  for (const [name, held] of Object.entries(live)) {
    const at = node.names.indexOf(name);
    const child = node.children[at];
    if (child) {
      if (hasUndeclaredContent(child, held, root)) return true;
    } else if (struct && !isServerField(struct.name, name)) {
      const shape = fieldShape(struct, name);
      if (!isDefaulted(name, shape, node.shape, held, live, root)) return true;
    }
  }
  return false;
}

/** What the server adds to objects inside objects, such as volume claim templates. */
function isServerField(struct: string, name: string): boolean {
  if (struct === 'meta.v1.ObjectMeta') return name !== 'labels' && name !== 'annotations';
  return (
    name === 'status' ||
    (struct === 'core.v1.PersistentVolumeClaim' && (name === 'apiVersion' || name === 'kind'))
  );
}
