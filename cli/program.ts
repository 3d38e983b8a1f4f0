import { Command } from 'commander';
import about from '../package.json' with { type: 'json' };
import { registerAdvice } from './commands/advice.ts';
import { registerAnalyze } from './commands/analyze.ts';
import { registerChanges } from './commands/changes.ts';
import { registerCompare } from './commands/compare.ts';
import { registerConfig } from './commands/config.ts';
import { registerConfighub } from './commands/confighub.ts';
import { registerDecisions } from './commands/decisions.ts';
import { registerDemo } from './commands/demo.ts';
import { registerDoctor } from './commands/doctor.ts';
import { registerDrifts } from './commands/drifts.ts';
import { registerPlan } from './commands/plan.ts';
import { registerPolicy } from './commands/policy.ts';
import { registerProcesses } from './commands/processes.ts';
import { registerProject } from './commands/project.ts';
import { registerQuestions } from './commands/questions.ts';
import { registerShow } from './commands/show.ts';
import { registerSlack } from './commands/slack.ts';
import { registerTrial } from './commands/trial.ts';
import { registerUp } from './commands/up.ts';
import { registerViews } from './commands/views.ts';
import { EXAMPLES } from './examples.ts';

type Register = (program: Command) => void;

/** What the help lists together, as docs/cli.md does. */
const GROUPS: readonly (readonly [heading: string, registers: readonly Register[]])[] = [
  [
    'To run:',
    [
      ...[registerUp, registerDemo, registerProcesses, registerDoctor, registerConfig],
      ...[registerPolicy, registerSlack, registerCompare, registerConfighub],
    ],
  ],
  [
    'To look and to answer:',
    [
      ...[registerDrifts, registerQuestions, registerShow, registerPlan, registerDecisions],
      ...[registerAnalyze, registerAdvice],
    ],
  ],
  ['To change what is declared, and to fix many at once:', [registerChanges]],
  ['To see what is in ConfigHub, and what was done:', [registerViews]],
  ['To set up a project:', [registerProject, registerTrial]],
];

/** The `realign` command. What a command does is loaded when it runs, so that starting, and `--help`, cost little. */
export function createProgram(): Command {
  const program = new Command('realign')
    .description(about.description)
    .version(about.version)
    .option('-c, --config <file>', 'configuration (default: REALIGN_CONFIG, then ./realign.yaml)')
    .option('--debug', 'print the stack of an error')
    .exitOverride()
    .showHelpAfterError('(realign --help lists the commands)')
    .showSuggestionAfterError(true)
    .addHelpText('after', HELP_TAIL);
  for (const [heading, registers] of GROUPS) {
    program.commandsGroup(heading);
    for (const register of registers) register(program);
  }
  for (const command of program.commands) guide(command, command.name());
  return program;
}

/** Whoever gets a command wrong is sent to its own help, which shows how it is used. */
function guide(command: Command, name: string): void {
  command.showHelpAfterError(`(realign ${name} --help says how it is used)`);
  const examples = EXAMPLES[name];
  if (examples) command.addHelpText('after', `\nExamples:\n  ${examples.join('\n  ')}`);
  for (const child of command.commands) guide(child, `${name} ${child.name()}`);
}

const HELP_TAIL = `
Environment:
  REALIGN_URL    where the api is (http://127.0.0.1:8080)
  REALIGN_TOKEN  token of an entry of people:

Exit codes:
  0  well
  1  something was found, or an expectation failed
  2  wrong use, or an error`;
