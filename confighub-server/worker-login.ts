import { z } from 'zod';
import { HubError } from './hub-error.ts';
import { type Identities, ORGANIZATION } from './identity.ts';

const credentials = z.object({ worker_id: z.string(), worker_secret: z.string() });

/** `POST /auth/worker` (not below `/api`): `cub auth login --as-worker` trades its secret, here one of the tokens, for a session. */
export function workerLogin(identities: Identities, body: unknown): object {
  const parsed = credentials.safeParse(body);
  if (!parsed.success) throw new HubError(400, 'body: worker_id and worker_secret are required');
  const token = parsed.data.worker_secret;
  const user = identities.authenticate(`Bearer ${token}`);
  if (user === undefined) throw new HubError(401, 'the worker secret is not valid');
  return {
    user: { id: user.userId, email: `${user.username}@localhost` },
    access_token: token,
    organization_id: ORGANIZATION.organizationId,
    auth_type: 'Bearer',
  };
}
