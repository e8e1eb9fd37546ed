import net from 'node:net';

/** An answer as it stands on the wire. */
export interface WireAnswer {
  status: number;
  /** Names in lower case. */
  headers: Record<string, string>;
  body: string;
}

/** A request of which every byte is the test's own. */
export interface WireRequest {
  /** @default 'POST' */
  method?: string;
  target: string;
  /** In this order, repeated names and odd values included; `Host` goes by itself. */
  headers: readonly (readonly [name: string, value: string])[];
  body: Buffer;
  /** The body's length is announced, or it comes in chunks of so many bytes. */
  chunkBytes?: number;
}

/** What such a request looks like on its way. Header values are latin-1, as HTTP has them. */
export function bytesOf({ method = 'POST', target, headers, body, chunkBytes }: WireRequest): Buffer {
  const framing = chunkBytes ? 'Transfer-Encoding: chunked' : `Content-Length: ${body.length}`;
  const head = [
    `${method} ${target} HTTP/1.1`,
    'Host: localhost',
    framing,
    ...headers.map(([k, v]) => `${k}: ${v}`),
  ];
  return Buffer.concat([
    Buffer.from(`${head.join('\r\n')}\r\n\r\n`, 'latin1'),
    chunkBytes ? inChunks(body, chunkBytes) : body,
  ]);
}

function inChunks(body: Buffer, size: number): Buffer {
  const pieces: (Buffer | string)[] = [];
  for (let at = 0; at < body.length; at += size) {
    const piece = body.subarray(at, at + size);
    pieces.push(`${piece.length.toString(16)}\r\n`, piece, '\r\n');
  }
  return Buffer.concat([...pieces, '0\r\n\r\n'].map((piece) => Buffer.from(piece)));
}

/**
 * Sends bytes on a connection of its own, and reads until the server ends it: something in the bytes must make it do so
 * (`Connection: close`, or a mistake).
 * @returns the answers that came, without `100 Continue`
 */
export async function exchange(url: string, ...pieces: Buffer[]): Promise<WireAnswer[]> {
  const { port, hostname } = new URL(url);
  const socket = net.connect(Number(port), hostname);
  const received: Buffer[] = [];
  socket.on('data', (bytes) => received.push(bytes));
  const ended = new Promise<void>((resolve) => {
    // A server that has heard enough may cut the connection while we still send.
    socket.on('error', () => undefined).on('close', () => resolve());
  });
  for (const piece of pieces) socket.write(piece);
  await ended;
  return answersIn(Buffer.concat(received).toString('latin1'));
}

function answersIn(text: string): WireAnswer[] {
  const answers: WireAnswer[] = [];
  for (let rest = text; rest !== '';) {
    const end = rest.indexOf('\r\n\r\n');
    if (!rest.startsWith('HTTP/1.1 ') || end < 0) throw new Error(`this is no answer: ${rest.slice(0, 200)}`);
    const [first, ...lines] = rest.slice(0, end).split('\r\n');
    const status = Number(first!.split(' ')[1]);
    const headers = Object.fromEntries(
      lines.map((line) => [
        line.slice(0, line.indexOf(':')).toLowerCase(),
        line.slice(line.indexOf(':') + 1).trim(),
      ]),
    );
    rest = rest.slice(end + 4);
    const length = Number(headers['content-length'] ?? (status < 200 ? 0 : rest.length));
    if (status >= 200)
      answers.push({ status, headers, body: Buffer.from(rest.slice(0, length), 'latin1').toString() });
    rest = rest.slice(length);
  }
  return answers;
}
