import { createAnalyses } from './analyses.ts';
import { createAnalysisRuns } from './analysis-runs.ts';
import { createAuditWrites } from './audit-writes.ts';
import { createClaudeCalls } from './claude-calls.ts';
import { createCommandRuns } from './command-runs.ts';
import { createCosts } from './costs.ts';
import { createDatabase, type DatabaseOptions } from './database.ts';
import { createDecisions } from './decisions.ts';
import { createDigests } from './digests.ts';
import { createEpisodes } from './episodes.ts';
import { createHistory } from './history.ts';
import { installationKey } from './installation.ts';
import { createMessages } from './messages.ts';
import { createNotices } from './notices.ts';
import { createOperations } from './operations.ts';
import { createQuestions } from './questions.ts';
import { createRecords } from './records.ts';
import { createRetention } from './retention.ts';
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
    messages: createMessages(database),
    digests: createDigests(database),
    unitHolds: createUnitHolds(database),
    operations: createOperations(database),
    analyses: createAnalyses(database),
    claudeCalls: createClaudeCalls(database),
    costs: createCosts(database),
    analysisRuns: createAnalysisRuns(database),
    commandRuns: createCommandRuns(database),
    auditWrites: createAuditWrites(database),
    ruleHits: createRuleHitTable(database),
    retention: createRetention(database),
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
