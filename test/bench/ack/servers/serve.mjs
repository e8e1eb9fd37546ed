/** One server in a process of its own: `serve.mjs <its module>`. Starts it, and tells how it is doing. */
import 'reflect-metadata';
import { answer } from '../../child.mjs';

const { start } = await import(`./${process.argv[2]}.mjs`);

let server;
answer({
  async boot(params) {
    server = await start(params);
    await server.app.listen(0, '127.0.0.1');
    await server.listening?.();
    return { port: server.app.getHttpServer().address().port };
  },
  settled: () => server.settled?.(),
});
