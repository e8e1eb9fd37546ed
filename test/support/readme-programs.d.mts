/** The code blocks of a page whose first line names a file, by that name. */
export declare function programsIn(page: string): Map<string, string>;

/** Those of README.md. */
export declare function readmePrograms(): Map<string, string>;
