import type { Config } from './config.ts';
import { AppError } from './errors.ts';

/** What whoever has no token of ConfigHub has to set. */
export const SET_TOKEN =
  'Set CUB_TOKEN (`export CUB_TOKEN=$(cub auth get-token)`), or name the file that holds it as `confighub.tokenFile` in realign.yaml. Beside a running `realign up`: `source .realign/env`.';

/** The token with which ConfigHub is talked to. CONFIG_INVALID where there is none. */
export function tokenOf({ confighub: { token } }: Pick<Config, 'confighub'>): string {
  if (token !== undefined) return token;
  throw new AppError('CONFIG_INVALID', 'there is no ConfigHub token: set CUB_TOKEN', {
    details: { repair: SET_TOKEN },
  });
}
