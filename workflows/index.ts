// Every function exported here is registered as a workflow: export nothing else.
export { analysisRun } from './analysis-run.ts';
export { announcements } from './announcements.ts';
export { correct, previewCorrections } from './correct.ts';
export { explainDrift } from './explain-drift.ts';
export { keepDriftUnit } from './keep-drift-unit.ts';
export { previewPlan } from './preview-plan.ts';
export { promote } from './promote.ts';
export { previewPromotions, promoteBetween } from './promote-between.ts';
export { remediateDrift } from './remediate-drift.ts';
export { previewRollback, rollback } from './rollback.ts';
export { summarizeDrifts } from './summarize-drifts.ts';
