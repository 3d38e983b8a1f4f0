import { DefaultFailureConverter } from '@temporalio/common';

/**
 * Where payloads are encrypted, messages and stack traces of failures are payloads too; only their types stay readable. Temporal
 * loads this file by its path, into workers, clients and the workflow bundle.
 */
export const failureConverter = new DefaultFailureConverter({ encodeCommonAttributes: true });
