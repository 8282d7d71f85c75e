/** The version of this package. The same as in package.json (test/house/package.test.ts). */
export const VERSION = '0.1.0'
