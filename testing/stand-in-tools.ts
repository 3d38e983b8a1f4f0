/**
 * `kubectl scale` and `cub function do … set-replicas` as pages use them, for machines that have neither program:
 * `node testing/stand-in-tools.ts kubectl|cub ARGUMENTS…`.
 */
import { createConfighubClient } from '../clients/confighub/index.ts';
import { createKubernetesClient } from '../clients/kubernetes/index.ts';
import { createLog } from '../lib/log.ts';
import { cubProblem } from './cub-commands.ts';

const [tool, ...words] = process.argv.slice(2);
const after = (flag: string) => words[words.indexOf(flag) + 1] ?? '';

if (tool === 'kubectl') await scale();
else if (words.includes('set-replicas')) await setReplicas();
else refuseUnknown();

async function scale(): Promise<void> {
  const [, name = ''] = /^deployment\/(.+)$/.exec(after('scale')) ?? [];
  const replicas = Number(/--replicas=(\d+)/.exec(words.join(' '))?.[1]);
  const cluster = await createKubernetesClient({
    kubeconfig: after('--kubeconfig'),
    userAgent: 'kubectl',
  });
  const place = { group: 'apps', version: 'v1', kind: 'Deployment', namespace: after('-n'), name };
  const path = '/spec/replicas';
  await cluster.jsonPatch(place, [{ op: 'replace', path, value: replicas }], {
    fieldManager: 'kubectl',
  });
  cluster.close();
}

async function setReplicas(): Promise<void> {
  const { CUB_API_URL: url = '', CUB_TOKEN: token = '' } = process.env;
  const hub = createConfighubClient({ url, token, log: createLog('silent') });
  const space = await hub.findSpace(after('--space'));
  const unit = space && (await hub.findUnit(space.spaceId, after('--unit')));
  if (!unit) throw new Error('there is no such unit');
  const data = await hub.readData(unit);
  await hub.writeData(unit, data.replace(/replicas: \d+/, `replicas: ${after('set-replicas')}`));
}

/** Everything else only reads; that it exists is all that can be said. */
function refuseUnknown(): void {
  const problem = cubProblem(
    ['cub', ...words.map((word) => `'${word.replaceAll("'", '"')}'`)].join(' '),
  );
  if (problem !== undefined) throw new Error(problem);
}
