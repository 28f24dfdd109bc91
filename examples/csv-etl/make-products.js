// Prints a product list as a spreadsheet exports it: node make-products.js [rows]. Every 100th row has a mistake.
const rows = Number(process.argv[2] || 3000)

/** The same numbers each time: Lehmer's generator. */
let state = 2026
function random(below) {
  state = (state * 48271) % 2147483647
  return state % below
}

const pick = list => list[random(list.length)]
const kinds = ['Gate', 'Valve', 'Gasket', 'Pump', 'Flange', 'Sieve', 'Float', 'Hose']
const materials = ['steel', 'brass', 'oak', 'rubber', 'Gußeisen', 'PVC']
const notes = [
  'Plain, but good.',
  'Fits "A" and "B" threads, both.',
  'Cut to length:\r\n10 mm, 20 mm; longer on request.',
  'Made in Šibenik',
  '',
]

/** What people do to a file: each breaks one rule. Values by column. */
const mistakes = [
  row => (row[3] = 'on request'),
  row => (row[3] = '-' + row[3]),
  row => (row[4] = 'EURO'),
  row => (row[1] = ''),
  row => (row[5] = '12.5'),
  row => (row[6] = '31.12.2026'),
  row => (row[0] = 'P-00001'),
  row => row.pop(),
]

const field = value => (/[",\r\n]/.test(value) ? '"' + value.replace(/"/g, '""') + '"' : value)

// Spreadsheets put a byte order mark in front, and end lines with two characters.
let text = '\ufeffsku,name,description,price,currency,stock,available_from\r\n'
for (let number = 1; number <= rows; number++) {
  const row = [
    'P-' + String(number).padStart(5, '0'),
    pick(kinds) + ', ' + pick(materials) + ' ' + (10 + random(90)) + ' mm',
    pick(notes),
    1 + random(900) + '.' + String(random(100)).padStart(2, '0'),
    pick(['EUR', 'EUR', 'EUR', 'GBP', 'USD']),
    String(random(500)),
    '2026-' + String(1 + random(12)).padStart(2, '0') + '-' + String(1 + random(28)).padStart(2, '0'),
  ]
  if (number % 100 === 0) mistakes[(number / 100 - 1) % mistakes.length](row)
  text += row.map(field).join(',') + '\r\n'
}
process.stdout.write(text)
