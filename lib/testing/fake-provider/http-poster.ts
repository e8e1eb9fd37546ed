import http from 'node:http';
import https from 'node:https';

/** What became of a POST: a status, or why there was none. */
export interface PostResult {
  readonly status: number | null;
  readonly error: string | null;
  /** The body of the answer. */
  readonly text: string;
}

/** Posts bytes over kept-alive connections. Follows no redirects: a 3xx is an answer like any other. */
export class HttpPoster {
  private readonly plain: http.Agent;
  private readonly secure: https.Agent;
  private closed = false;

  /** @param timeoutMs how long a connection may be silent, in milliseconds. */
  constructor(
    maxSockets: number,
    private readonly timeoutMs: number,
  ) {
    this.plain = new http.Agent({ keepAlive: true, maxSockets });
    this.secure = new https.Agent({ keepAlive: true, maxSockets });
  }

  /** Never rejects. */
  async post(url: string, body: Buffer, headers: Record<string, string>): Promise<PostResult> {
    const first = await this.once(url, body, headers);
    return first.stale && !this.closed ? this.once(url, body, headers) : first;
  }

  /** Cuts everything that is open. */
  close(): void {
    this.closed = true;
    this.plain.destroy();
    this.secure.destroy();
  }

  private once(
    url: string,
    body: Buffer,
    headers: Record<string, string>,
  ): Promise<PostResult & { stale: boolean }> {
    const secure = url.startsWith('https:');
    return new Promise((resolve) => {
      const request = (secure ? https : http).request(url, {
        method: 'POST',
        agent: secure ? this.secure : this.plain,
        headers: { ...headers, 'content-length': body.length },
      });
      const fail = (error: NodeJS.ErrnoException): void => {
        // The other side closed an idle connection just as it was taken up again: it has seen nothing of this.
        const stale = request.reusedSocket && error.code === 'ECONNRESET';
        resolve({ status: null, error: error.code ?? error.message, text: '', stale });
      };
      request.setTimeout(this.timeoutMs, () => request.destroy(new Error('timeout')));
      request.on('error', fail);
      request.on('response', (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (chunk: string) => (text += chunk));
        response.on('error', fail);
        response.on('end', () =>
          resolve({ status: response.statusCode ?? null, error: null, text, stale: false }),
        );
      });
      request.end(body);
    });
  }
}
