import { type OutputFormat, printable, writeResult } from './output.ts';
import { describePlan } from './questions.ts';
import { toResourceId } from './resource-name.ts';
import { createRest } from './rest.ts';
import { decisionSchema, type PlanAnswer, planAnswerSchema } from './wire.ts';

/** Prints the plans for a resource's drift. */
export async function printPlan(resource: string, output: OutputFormat): Promise<void> {
  const rest = createRest(process.env);
  const answer = await rest.get(`${pathOf(resource)}/plan`, planAnswerSchema);
  writeResult(output, answer, () => renderPlan(answer));
}

/** Has the resource's run ask about its drift. */
export async function askAgain(resource: string, output: OutputFormat): Promise<void> {
  const answer = await createRest(process.env).post(`${pathOf(resource)}/ask`, decisionSchema);
  writeResult(output, answer, () => answer.message);
}

function renderPlan({ plans, rule, outcome, because, question_id: question }: PlanAnswer): string {
  if (plans.length === 0) return 'No drift: there is nothing to do.';
  const why = because ? ` (${because})` : '';
  const asked = question ? `question ${question}` : 'no question is open: worked out now';
  return [`rule ${rule}: ${outcome}${why}; ${asked}`, ...plans.flatMap(describePlan)]
    .map(printable)
    .join('\n');
}

function pathOf(resource: string): string {
  return `/api/v1/drift-records/${encodeURIComponent(toResourceId(resource))}`;
}
