import { Command } from 'commander';
import about from '../package.json' with { type: 'json' };
import { registerAnalyze } from './commands/analyze.ts';
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
import { registerUp } from './commands/up.ts';

const REGISTER = [
  ...[registerUp, registerDemo, registerProcesses],
  ...[registerDrifts, registerQuestions, registerShow, registerDecisions, registerAnalyze],
  ...[registerPlan, registerPolicy],
  ...[registerCompare, registerConfig, registerDoctor, registerConfighub],
  registerProject,
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
  for (const register of REGISTER) register(program);
  return program;
}

const HELP_TAIL = `
Environment:
  REALIGN_URL    where the api is (http://127.0.0.1:8080)
  REALIGN_TOKEN  token of an entry of people:

Exit codes:
  0  well
  1  something was found, or an expectation failed
  2  wrong use, or an error`;
