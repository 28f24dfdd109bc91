/** First major version that strips types by default and has a stable node:sqlite. */
const neededMajor = 24

/**
 * Why Sluice cannot run on a Node version, and what to do; undefined if it can. Written in the JavaScript of Node 12, as
 * the launcher is: it has to say so on the versions that cannot run anything else here.
 */
export function nodeVersionProblem(version, executable) {
  const major = Number(/^v?(\d+)/.exec(version)[1])
  if (major >= neededMajor) return undefined
  return [
    'sluice: this is Node.js ' + version + ' (' + executable + '); Sluice needs Node.js ' + neededMajor + ' or later.',
    '  In a clone: run `npm ci`, which brings its own Node.js, and then `npm start` or `npx sluice …`.',
    '  Install scripts switched off? Run `npm rebuild node`, or install Node.js ' +
      neededMajor +
      ' LTS: https://nodejs.org',
  ].join('\n')
}
