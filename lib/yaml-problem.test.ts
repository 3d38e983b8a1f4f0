import { expect, test } from 'vitest';
import { parseDocument } from 'yaml';
import { yamlProblem } from './yaml-problem.ts';

const CANARY = 'hunter2';

test.each([
  `password: |${CANARY}\n`,
  `password: >${CANARY}\n`,
  `password: *${CANARY}\n`,
  `password: @${CANARY}\n`,
  `password: "\\q${CANARY}"\n`,
  `password: "${CANARY}\n`,
  `password: !!int ${CANARY}\n`,
  `password: [${CANARY}\n`,
  `%${CANARY} 1\n---\na: 1\n`,
  `a: ${CANARY}: b\n`,
  `<<: ${CANARY}\na: 1\n`,
])('says what is wrong with %j and nothing of what is in it', (text) => {
  const document = parseDocument(text, { prettyErrors: false, merge: true });
  const problems = [...document.errors, ...document.warnings].map(yamlProblem);
  try {
    document.toJS();
  } catch (error) {
    problems.push(yamlProblem(error));
  }
  expect(problems.length).toBeGreaterThan(0);
  expect(problems.join()).not.toContain(CANARY);
});
