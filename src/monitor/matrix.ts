/** One embedding, or any vector of numbers in single precision. */
export type Vector = Float32Array;

/** Rows one after the other: `data[i * columns + j]` is row i, column j. */
export type Matrix = { readonly rows: number; readonly columns: number; readonly data: Float32Array };

/**
 * @returns rows as a matrix
 * @throws {RangeError} when there are none or their lengths differ
 */
export function matrixOf(rows: readonly ArrayLike<number>[]): Matrix {
  const columns = rows[0]?.length ?? 0;
  if (columns === 0) throw new RangeError("a matrix needs at least one row and one column");
  const data = new Float32Array(rows.length * columns);
  rows.forEach((values, index) => {
    if (values.length !== columns) {
      throw new RangeError(`row ${index} has ${values.length} columns, the first has ${columns}`);
    }
    data.set(values, index * columns);
  });
  return { rows: rows.length, columns, data };
}

/** @returns a view of one row, not a copy */
export function row(matrix: Matrix, index: number): Float32Array {
  return matrix.data.subarray(index * matrix.columns, (index + 1) * matrix.columns);
}

/** @returns the rows with the given indices, in that order, as a copy */
export function selectRows(matrix: Matrix, indices: readonly number[]): Matrix {
  const data = new Float32Array(indices.length * matrix.columns);
  indices.forEach((index, position) => {
    data.set(row(matrix, index), position * matrix.columns);
  });
  return { rows: indices.length, columns: matrix.columns, data };
}

/** @returns the mean row, in double precision */
export function meanRow(matrix: Matrix): Float64Array {
  const mean = new Float64Array(matrix.columns);
  for (let i = 0; i < matrix.rows; i++) addTo(mean, row(matrix, i));
  for (let j = 0; j < mean.length; j++) mean[j] = mean[j]! / matrix.rows;
  return mean;
}

/** sum += values */
export function addTo(sum: Float64Array, values: ArrayLike<number>): void {
  for (let j = 0; j < sum.length; j++) sum[j] = sum[j]! + values[j]!;
}

/** @returns x · y */
export function dot(x: ArrayLike<number>, y: ArrayLike<number>): number {
  let sum = 0;
  for (let j = 0; j < x.length; j++) sum += x[j]! * y[j]!;
  return sum;
}

/** @returns the Euclidean norm */
export function norm(x: ArrayLike<number>): number {
  return Math.sqrt(dot(x, x));
}

/** @returns x · y / (|x| |y|), 0 when either is zero */
export function cosine(x: ArrayLike<number>, y: ArrayLike<number>): number {
  const scale = norm(x) * norm(y);
  return scale === 0 ? 0 : dot(x, y) / scale;
}

/** @returns x − y, in double precision */
export function difference(x: ArrayLike<number>, y: ArrayLike<number>): Float64Array {
  return Float64Array.from(x, (value, j) => value - y[j]!);
}
