// The verdict over the tests, from vitest's JSON reports: of the run, and of what failed in it when that was run alone.
//   node .ci/verdict.cjs <report> [<report of the second run>]   prints what failed and whether alone, too, then "N passed, N failed"
//   node .ci/verdict.cjs --failed-files <report>                 prints the files in which something failed
const { existsSync, readFileSync } = require('node:fs')
const { relative } = require('node:path')

const shownCharacters = 1_500

/** A file that could not be loaded counts as one test. */
function read(report) {
  const failures = new Map()
  const { testResults, numPassedTests } = JSON.parse(readFileSync(report, 'utf8'))
  for (const { name, status, message, assertionResults } of testResults) {
    const file = relative('.', name)
    const failed = assertionResults.filter(test => test.status === 'failed')
    for (const { fullName, failureMessages } of failed)
      failures.set(`${file}: ${fullName}`, { file, message: failureMessages.join('\n') })
    if (failed.length === 0 && status === 'failed') failures.set(file, { file, message })
  }
  return { failures, passed: numPassedTests }
}

function verdict(report, again) {
  const { failures, passed } = read(report)
  const second = again !== undefined && existsSync(again) ? read(again).failures : failures
  for (const [test, { file, message }] of failures) {
    const passedAlone = !second.has(test) && !second.has(file)
    console.log(
      `FAILED ${passedAlone ? 'beside others, passed alone: ' : ''}${test}\n${message.slice(0, shownCharacters)}`,
    )
  }
  console.log(`${passed} passed, ${failures.size} failed`)
}

const [first, second] = process.argv.slice(2)
if (first === '--failed-files') {
  for (const file of new Set([...read(second).failures.values()].map(({ file }) => file))) console.log(file)
} else verdict(first, second)
