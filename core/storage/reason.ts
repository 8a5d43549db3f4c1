/** What an error says, or the thrown value itself as text. */
export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
