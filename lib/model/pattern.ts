/** Whether an event type fits a pattern, in which `*` stands for any run of characters: `invoice.*`, `*`. */
export function matchesPattern(pattern: string, type: string): boolean {
  if (pattern === '*' || pattern === type) return true;
  if (!pattern.includes('*')) return false;
  const [head, ...rest] = pattern.split('*');
  if (!type.startsWith(head!)) return false;
  let at = head!.length;
  const tail = rest.pop()!;
  for (const part of rest) {
    const found = type.indexOf(part, at);
    if (found < 0) return false;
    at = found + part.length;
  }
  return type.length - tail.length >= at && type.endsWith(tail);
}
