import { Command } from 'commander';
import about from '../package.json' with { type: 'json' };
import { registerAnalyze } from './commands/analyze.ts';
import { registerConfig } from './commands/config.ts';
import { registerDecisions } from './commands/decisions.ts';
import { registerDemo } from './commands/demo.ts';
import { registerDoctor } from './commands/doctor.ts';
import { registerDrifts } from './commands/drifts.ts';
import { registerProcesses } from './commands/processes.ts';
import { registerQuestions } from './commands/questions.ts';
import { registerShow } from './commands/show.ts';
import { registerUp } from './commands/up.ts';

/** The `realign` command. Each command's own code is loaded when it runs, so that starting costs little. */
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
  registerUp(program);
  registerDemo(program);
  registerProcesses(program);
  registerDrifts(program);
  registerQuestions(program);
  registerShow(program);
  registerDecisions(program);
  registerAnalyze(program);
  registerConfig(program);
  registerDoctor(program);
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
