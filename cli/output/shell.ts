/** The flag that names the registry in a command to be typed, with a space before it; '' for the usual one. */
export function registryFlag(uri: string): string {
  return uri === './.kindred' ? '' : ` --registry ${shellQuoted(uri)}`;
}

/** The text as one word of a shell. */
export function shellQuoted(text: string): string {
  return /^[\w./:@%+=,-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
