import { createAnalysisRuns } from './analysis-runs.ts';
import { createAuditWrites } from './audit-writes.ts';
import { createDatabase, type DatabaseOptions } from './database.ts';
import { createDecisions } from './decisions.ts';
import { createEpisodes } from './episodes.ts';
import { createHistory } from './history.ts';
import { installationKey } from './installation.ts';
import { createNotices } from './notices.ts';
import { createQuestions } from './questions.ts';
import { createRecords } from './records.ts';
import { createRuleHitTable } from './rule-hits.ts';
import type { Store } from './types.ts';
import { createUnitHolds } from './unit-holds.ts';

/**
 * What Realign remembers, in Postgres. Connects when first used, so it can be made while Postgres is still away; the
 * tables must exist (`migrate`). Every method throws DATABASE_UNAVAILABLE when Postgres does not answer.
 */
export function createStore(options: DatabaseOptions): Store {
  const database = createDatabase(options);
  let key: Promise<Uint8Array> | undefined;
  return {
    episodes: createEpisodes(database),
    records: createRecords(database),
    questions: createQuestions(database),
    decisions: createDecisions(database),
    history: createHistory(database),
    notices: createNotices(database),
    unitHolds: createUnitHolds(database),
    analysisRuns: createAnalysisRuns(database),
    auditWrites: createAuditWrites(database),
    ruleHits: createRuleHitTable(database),
    installationKey() {
      key ??= installationKey(database).catch((error: unknown) => {
        key = undefined;
        throw error;
      });
      return key;
    },
    async ping() {
      await database.query('installation', 'ping', 'select 1 from installation');
    },
    activeConnections: () => database.activeConnections(),
    close: () => database.close(),
  };
}
