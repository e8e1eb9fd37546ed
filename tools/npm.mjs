/** npm as it runs us, or the one on the path: `[command, ...first arguments]`. */
export const npm = process.env.npm_execpath ? [process.execPath, process.env.npm_execpath] : ['npm'];
