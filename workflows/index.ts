// Every function exported here is registered as a workflow: export nothing else.
export { analysisRun } from './analysis-run.ts';
export { previewPlan } from './preview-plan.ts';
export { promote } from './promote.ts';
export { remediateDrift } from './remediate-drift.ts';
