// Formats text in columns, for `npm start` and the scripts.

/** Rows as lines, each column as wide as its widest cell. The first row is the header. */
export function columns(rows: readonly (readonly string[])[]): string {
  const widths = widthsOf(rows)
  const line = (row: readonly string[]) => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ')
  return rows.map((row) => line(row).trimEnd()).join('\n')
}

/** The length of the longest cell of each column. Not by Math.max(...cells): there may be more rows than a call takes arguments. */
export function widthsOf(rows: readonly (readonly string[])[]): number[] {
  const widths = rows[0]?.map(() => 0) ?? []
  for (const row of rows) {
    for (const column of widths.keys()) widths[column] = Math.max(widths[column]!, row[column]?.length ?? 0)
  }
  return widths
}
