/** Finds the requests that are for the webhook controller, before any framework has looked at them. */
export class WebhookPath {
  private readonly prefixes: readonly (readonly string[])[];
  private readonly sources: ReadonlySet<string>;
  private readonly most: number;

  /**
   * @param globalPrefix the host's, which it may also have excluded the controller from
   * @param sources their names: below the same path the host may have webhooks of its own, with bodies of its own
   */
  constructor(path: string, globalPrefix: string, sources: Iterable<string>) {
    const own = segmentsOf(path);
    const prefix = segmentsOf(globalPrefix);
    this.prefixes = prefix.length > 0 ? [[...prefix, ...own], own] : [own];
    this.sources = new Set(sources);
    // A source, a connection and a slash at the end, beside the longest prefix.
    this.most = prefix.length + own.length + 3;
  }

  /**
   * Whether this URL's path is `<prefix>/<path>/:source[/:connection]`, in any way of writing it that a framework might
   * take for it: one that is missed here comes to the controller without its bytes.
   */
  matches(url: string): boolean {
    const segments = decodedSegments(url, this.most);
    return segments !== null && this.prefixes.some((prefix) => this.follows(prefix, segments));
  }

  private follows(prefix: readonly string[], segments: readonly string[]): boolean {
    const [source, ...others] = segments.slice(prefix.length);
    if (source === undefined || !this.sources.has(source)) return false;
    // Neither a slash at the end nor the case of the path makes a difference to Express.
    if (others.at(-1) === '') others.pop();
    if (others.length > 1 || others[0] === '') return false;
    return prefix.every((segment, i) => segment === segments[i]!.toLowerCase());
  }
}

function segmentsOf(path: string): string[] {
  return path
    .replace(/^\/+|\/+$/g, '')
    .split('/')
    .filter((segment) => segment !== '')
    .map((segment) => segment.toLowerCase());
}

/** Those of the path, without the leading slash; null where there are more, or they cannot be decoded. */
function decodedSegments(url: string, most: number): string[] | null {
  // A proxy names the host too (RFC 9112 section 3.2.2); and '#' ends a path, though no browser would send it.
  const [path] = url.replace(/^[a-z][\w+.-]*:\/\/[^/?#]*/i, '').split(/[?#]/, 1);
  const [beforeSlash, ...segments] = path!.split('/', most + 2);
  if (beforeSlash !== '' || segments.length > most) return null;
  try {
    return path!.includes('%') ? segments.map(decodeURIComponent) : segments;
  } catch {
    return null;
  }
}
