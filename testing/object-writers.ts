import type { KubernetesClient } from '../clients/kubernetes/index.ts';
import { objectPath, resourcePath } from '../clients/kubernetes/resource-path.ts';
import { type KubeObject, refOf } from '../drift/resource-ref.ts';
import { createKubeRequests, type KubeAnswer, type KubeRequests } from '../stack/kube-request.ts';
import { eventually } from './eventually.ts';

/** Writes one object as a program of the field does, with its field manager, to a namespace where it does not exist yet. */
export type WriteObject = (object: KubeObject) => Promise<void>;

export type ObjectWriters = {
  /** `kubectl apply`: a create with the last-applied annotation. */
  readonly clientSideApply: WriteObject;
  /** Server-side apply as ConfigHub's worker. */
  readonly serverSideApply: WriteObject;
  /** `kubectl create`. */
  readonly create: WriteObject;
  /** `kubectl replace` of an older form of the object; what cannot be replaced in place is made anew, as with `--force`. */
  readonly replace: WriteObject;
  close(): void;
};

const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';
/** The API server refuses most changes of these, so that kubectl replaces them by force only. */
const REPLACED_BY_FORCE: ReadonlySet<string> = new Set(['Pod', 'Job']);

/** The requests that kubectl makes, so that tests need no kubectl. */
export function createObjectWriters(
  kubernetes: KubernetesClient,
  access: { readonly url: string; readonly ca: string; readonly token: string },
): ObjectWriters {
  const requests = createKubeRequests(access);
  const send = sender(kubernetes, requests);
  return {
    clientSideApply: (object) => send('POST', 'kubectl-client-side-apply', asLastApplied(object)),
    serverSideApply: async (object) => {
      await kubernetes.applyServerSide(object, { fieldManager: 'confighub', force: true });
    },
    create: (object) => send('POST', 'kubectl-create', object),
    replace: async (object) => {
      const isForced = REPLACED_BY_FORCE.has(object.kind);
      if (isForced) return send('POST', 'kubectl-replace', object);
      await send('POST', 'kubectl-create', olderForm(object));
      // Controllers write to a new object, too: then its version is not the latest any more.
      await eventually(
        async () => {
          const live = await kubernetes.get(refOf('', object));
          const { resourceVersion = '' } = live?.metadata ?? {};
          const metadata = { ...object.metadata, resourceVersion };
          await send('PUT', 'kubectl-replace', { ...object, metadata });
          return true;
        },
        { what: `${object.kind} ${object.metadata.name} to be replaced` },
      );
    },
    close: requests.close,
  };
}

function sender(kubernetes: KubernetesClient, requests: KubeRequests) {
  return async (method: 'POST' | 'PUT', manager: string, object: KubeObject): Promise<void> => {
    const ref = refOf('', object);
    const resource = (await kubernetes.discover()).resolveKind(ref);
    const path =
      method === 'PUT'
        ? objectPath(resource, ref)
        : resourcePath(resource, { namespace: ref.namespace });
    const query = `fieldManager=${manager}&fieldValidation=Strict`;
    expectWritten(await requests.send(method, `${path}?${query}`, object), object);
  };
}

/** With the annotation that the next `kubectl apply` compares with. */
function asLastApplied(object: KubeObject): KubeObject {
  const { annotations, ...metadata } = object.metadata;
  const { [LAST_APPLIED]: _before, ...kept } = annotations ?? {};
  const applied = { ...object, metadata: { ...metadata, annotations: kept } };
  const record = { [LAST_APPLIED]: `${JSON.stringify(applied)}\n` };
  return { ...object, metadata: { ...metadata, annotations: { ...kept, ...record } } };
}

/** Another label and annotation than the object declares, which replacing it removes. */
function olderForm(object: KubeObject): KubeObject {
  const { labels, annotations } = object.metadata;
  const metadata = {
    ...object.metadata,
    labels: { ...labels, 'older-form': 'true' },
    annotations: { ...annotations, 'older-form': 'true' },
  };
  return { ...object, metadata };
}

function expectWritten({ status, body }: KubeAnswer, { kind, metadata }: KubeObject): void {
  if (status === 200 || status === 201) return;
  const { message } = body as { message?: string };
  throw new Error(`${kind} ${metadata.name}: ${status} ${message}`);
}
