import { createServer } from 'node:net';

/** The port, if nobody has it: asked before anything is started. */
export async function freePort(wanted: string | number): Promise<number> {
  const port = Number(wanted);
  if (!(port >= 0 && port < 65_536)) throw new Error(`PORT must be a number up to 65535, and is ${wanted}.`);
  await new Promise<void>((resolve, reject) => {
    const probe = createServer();
    probe.once('error', ({ code }: NodeJS.ErrnoException) =>
      reject(new Error(`Port ${wanted} cannot be had (${code}). Choose another: PORT=3001 npm start`)),
    );
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve()));
  });
  return port;
}
