/** For a program whose settings are all variables: prints `about` when asked for help and ends with 0; ends with 2 at any other argument. */
export function refuseArguments(about: string): void {
  const [argument] = process.argv.slice(2);
  if (argument === undefined) return;
  const wantsHelp = argument === '--help' || argument === '-h';
  if (wantsHelp) process.stdout.write(`${about}\n`);
  else process.stderr.write(`'${argument}' is not understood: there are no arguments. ${about}\n`);
  process.exit(wantsHelp ? 0 : 2);
}
