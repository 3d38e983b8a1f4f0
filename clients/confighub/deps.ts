import type { Http } from './http.ts';
import type { SpaceNames } from './space-names.ts';

/** What every call of the client works with. */
export type ClientDeps = { readonly http: Http; readonly names: SpaceNames };
