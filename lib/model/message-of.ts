/** For a line of the log. TypeORM's message is the driver's, without the statement's values. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
