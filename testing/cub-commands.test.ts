import { expect, test } from 'vitest';
import { cubProblem } from './cub-commands.ts';

test.each([
  'cub space list',
  'cub unit list --space acorn-bear-dev',
  `cub unit list --space '*' --where "UpstreamSpaceID = '9f'" --columns Unit.Slug,Space.Slug`,
  'cub unit update backend-api backend-api.yaml --space acorn-bear-base --change-desc "Five"',
  'cub unit update backend-api --restore=3 --space acorn-bear-dev',
  'cub unit get backend-api --space acorn-bear-dev --json | jq .Labels',
  'cub function do --space acorn-bear-dev --unit backend-api set-replicas 3',
])('%s is a command of cub', (command) => {
  expect(cubProblem(command)).toBeUndefined();
});

// What the original's pages told people to type.
test.each([
  ['cub bulk-operation list --space s', 'no command bulk-operation list'],
  ['cub audit list --space s', 'no command audit list'],
  ['cub unit get-data backend-api', 'no command unit get-data'],
  ['cub unit get-live-state backend-api', 'no command unit get-live-state'],
  ['cub unit list --space s --verbose', 'unit list has no --verbose'],
  ['cub space list --filter x', 'space list has no --filter'],
  ['cub changeset list --limit 5', 'changeset list has no --limit'],
  ['cub unit tree --node=space --show-downstream', 'unit tree has no --show-downstream'],
  ['cub revision get backend-api', 'takes 2 to 2 arguments, not 1'],
  ['cub unit list --space', 'lacks its value'],
])('%s is none: %s', (command, problem) => {
  expect(cubProblem(command)).toContain(problem);
});
