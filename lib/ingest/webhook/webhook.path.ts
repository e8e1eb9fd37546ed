/** What a webhook's URL names. */
export interface WebhookTarget {
  readonly source: string;
  /** Undefined: none is named. */
  readonly connection?: string;
}

/** Finds the requests that are for the webhook controller, before any framework has looked at them. */
export class WebhookPath {
  private readonly prefixes: readonly (readonly string[])[];
  private readonly sources: ReadonlySet<string>;
  private readonly most: number;
  /** URLs as they are mostly written. */
  private readonly usual: ReadonlyMap<string, WebhookTarget>;

  /**
   * @param prefixes those that the host may have put before the path; `''`: none
   * @param sources their names: below the same path the host may have webhooks of its own, with bodies of its own
   */
  constructor(path: string, prefixes: readonly string[], sources: readonly string[]) {
    this.prefixes = prefixes.map((prefix) => segmentsOf(`${prefix}/${path}`));
    this.sources = new Set(sources);
    // A source, a connection and a slash at the end, beside the longest prefix.
    this.most = Math.max(...this.prefixes.map((prefix) => prefix.length)) + 3;
    this.usual = new Map(
      this.prefixes.flatMap((prefix) =>
        sources.map((source) => [`/${[...prefix, encodeURIComponent(source)].join('/')}`, { source }]),
      ),
    );
  }

  /**
   * What is named by a URL whose path is `<prefix>/<path>/:source[/:connection]`, in any way of writing it that a
   * framework might take for it: one that is missed here comes to the controller without its bytes.
   */
  find(url: string): WebhookTarget | undefined {
    return this.usual.get(url) ?? this.parsed(url);
  }

  private parsed(url: string): WebhookTarget | undefined {
    const segments = decodedSegments(url, this.most);
    if (!segments) return undefined;
    for (const prefix of this.prefixes) {
      const target = this.targetBehind(prefix, segments);
      if (target) return target;
    }
    return undefined;
  }

  private targetBehind(prefix: readonly string[], segments: readonly string[]): WebhookTarget | undefined {
    const [source, ...others] = segments.slice(prefix.length);
    if (source === undefined || !this.sources.has(source)) return undefined;
    // Neither a slash at the end nor the case of the path makes a difference to Express.
    if (others.at(-1) === '') others.pop();
    if (others.length > 1 || others[0] === '') return undefined;
    if (!prefix.every((segment, i) => segment === segments[i]!.toLowerCase())) return undefined;
    return { source, connection: others[0] };
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
