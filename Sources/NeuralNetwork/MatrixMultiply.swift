// Matrix products: the one place that calls BLAS.

import CKernels
import COpenBLAS

/// A row-major matrix in memory, as a factor of a product.
struct MatrixFactor {
    let values: UnsafePointer<Float>
    /// Floats from one stored row to the next.
    let stride: Int
    /// Whether the factor is the transpose of what is stored.
    let isTransposed: Bool

    init(_ values: UnsafePointer<Float>, stride: Int, transposed: Bool = false) {
        self.values = values
        self.stride = stride
        isTransposed = transposed
    }
}

/// Single-precision products of row-major matrices: by our own kernels, or by OpenBLAS where their
/// blocks of sixteen columns do not fit.
struct MatrixMultiply {
    /// Sums in double precision (our own kernel) instead of OpenBLAS.
    ///
    /// For layers of few pixels: there it costs nothing that could be noticed, and a rounding error
    /// is shared by much of the image.
    let isPrecise: Bool
    let table: UnsafePointer<dip_kernels>

    private static let precisePixelsMax = 1 << 12
    private static let preciseProductCountMax = 1 << 23

    /// For the products of one convolution.
    init(_ geometry: ConvolutionGeometry, table: UnsafePointer<dip_kernels>) {
        isPrecise = Self.isPrecise(geometry)
        self.table = table
    }

    static func isPrecise(_ geometry: ConvolutionGeometry) -> Bool {
        geometry.output.pixels <= precisePixelsMax
            && geometry.productCount <= preciseProductCountMax
    }

    /// Floats from one row of a packed matrix to the next: whole cache lines, an odd number, so
    /// that rows do not fall on the same cache sets.
    static func packedStride(_ columns: Int) -> Int {
        let lines = (columns + 15) / 16
        return 16 * (lines % 2 == 0 ? lines + 1 : lines)
    }

    /// OpenBLAS's version, how it was built, and the kind of core that it has found here.
    static var libraryConfiguration: String { String(cString: openblas_get_config()) }

    /// OpenBLAS keeps threads of its own unless told otherwise; a worker is one thread.
    static func useOneThread() {
        openblas_set_num_threads(1)
    }

    /// C = A B, or C += A B where `accumulate`, with A (rows, inner), B (inner, columns) and
    /// C (rows, columns) of row stride `stride`.
    func callAsFunction(
        rows: Int, columns: Int, inner: Int, _ a: MatrixFactor, _ b: MatrixFactor,
        into c: UnsafeMutablePointer<Float>, stride: Int, accumulate: Bool = false
    ) {
        if isPrecise {
            table.pointee.multiply_small(
                Int64(rows), Int64(columns), Int64(inner), a.values,
                Int64(a.isTransposed ? 1 : a.stride), Int64(a.isTransposed ? a.stride : 1),
                b.values, Int64(b.isTransposed ? 1 : b.stride),
                Int64(b.isTransposed ? b.stride : 1), c, Int64(stride), accumulate ? 1 : 0)
            return
        }
        if !b.isTransposed, columns % 16 == 0 {
            var product = dip_product(
                rows: Int64(rows), columns: Int64(columns), inner: Int64(inner),
                a_row: Int64(a.isTransposed ? 1 : a.stride),
                a_column: Int64(a.isTransposed ? a.stride : 1), b_row: Int64(b.stride),
                c_row: Int64(stride), accumulate: accumulate ? 1 : 0)
            table.pointee.multiply(&product, a.values, b.values, c)
            return
        }
        cblas_sgemm(
            CblasRowMajor, a.isTransposed ? CblasTrans : CblasNoTrans,
            b.isTransposed ? CblasTrans : CblasNoTrans, blasint(rows), blasint(columns),
            blasint(inner), 1, a.values, blasint(a.stride), b.values, blasint(b.stride),
            accumulate ? 1 : 0, c, blasint(stride))
    }
}
