/** What the job definitions run, which the template's test holds against the stack. */
export function trainingCommand(registry: string): string[] {
  return ['train', '--resume', 'Ref::job', '--registry', registry, '--json'];
}
