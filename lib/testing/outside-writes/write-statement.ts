/** What a statement writes. */
export interface WriteStatement {
  /** `INSERT`, `UPDATE`, … */
  readonly verb: string;
  /** The table's name as it stands there, without quotes; null where there is none to be read. */
  readonly table: string | null;
}

/** Text, comments and the bodies of functions: what is in them is no statement. */
const OPAQUE =
  /\be'(?:[^'\\]|''|\\.)*'|'(?:[^']|'')*'|\$([a-z_]\w*|)\$[\s\S]*?\$\1\$|--[^\n]*|\/\*[\s\S]*?\*\//gi;

const NAME = String.raw`((?:"[^"]+"|\x60[^\x60]+\x60|\[[^\]]+\]|[\w$]+)(?:\.(?:"[^"]+"|\x60[^\x60]+\x60|\[[^\]]+\]|[\w$]+))*)`;

/** Where a statement may begin: at first, after another one, and in and after the parentheses of a WITH. */
const AT = String.raw`(?:^|[;()])\s*`;

const WRITES = [
  String.raw`(INSERT|REPLACE)\s+(?:\w+\s+){0,3}?INTO\s+${NAME}`,
  String.raw`(UPDATE)\s+(?:(?:ONLY|IGNORE|LOW_PRIORITY)\s+)*(?!SET\b)${NAME}\s`,
  String.raw`(DELETE)\s+(?:(?:IGNORE|LOW_PRIORITY|QUICK)\s+)*FROM\s+(?:ONLY\s+)?${NAME}`,
  String.raw`(MERGE)\s+INTO\s+(?:ONLY\s+)?${NAME}`,
  String.raw`(TRUNCATE)\s+(?:TABLE\s+)?(?:ONLY\s+)?${NAME}`,
  String.raw`(COPY)\s+${NAME}\s*(?:\([^)]*\)\s*)?FROM\b`,
  String.raw`(CREATE|ALTER|DROP)\s+(?:\w+\s+){0,3}?(?:TABLE|INDEX|VIEW|SEQUENCE)\s+(?:CONCURRENTLY\s+)?(?:IF\s+(?:NOT\s+)?EXISTS\s+)?${NAME}`,
  String.raw`(CALL)\s+${NAME}`,
].map((write) => new RegExp(AT + write, 'i'));

/**
 * What a statement writes, by its text; null: it only reads. What a function does that is called in a SELECT does not
 * stand in it. Locks (`FOR UPDATE`) are no writes.
 */
export function writeIn(sql: string): WriteStatement | null {
  const text = sql.replace(OPAQUE, (part) => (/^(--|\/\*)/.test(part) ? ' ' : `''`));
  const found = WRITES.map((write) => write.exec(text)).filter((match) => match !== null);
  const [first] = found.sort((one, other) => one.index - other.index);
  if (!first) return null;
  return { verb: first[1]!.toUpperCase(), table: first[2]?.replace(/["`[\]]/g, '') ?? null };
}
