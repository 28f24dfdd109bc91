/**
 * Tells the bench where a server listens, and on SIGTERM how much it has taken and what CPU time it used since the last
 * SIGUSR2, by which the bench marks the end of the warm-up.
 */
export function serveUntilTerm(port: number, taken: () => number, stop: () => Promise<void>): void {
  let atStart = process.cpuUsage()
  process.on('SIGUSR2', () => (atStart = process.cpuUsage()))
  process.once('SIGTERM', () => {
    const { user, system } = process.cpuUsage(atStart)
    void stop().then(() => {
      process.stdout.write(`taken ${taken()} cpu ${user + system}\n`, () => process.exit(0))
    })
  })
  console.log(`listening ${port}`)
}
