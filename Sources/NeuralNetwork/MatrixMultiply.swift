// The one place that calls BLAS.

import COpenBLAS

/// Row-major single-precision matrix products over OpenBLAS.
enum MatrixMultiply {
    enum Form {
        case plain, transposed

        fileprivate var blas: CBLAS_TRANSPOSE { self == .plain ? CblasNoTrans : CblasTrans }
    }

    /// OpenBLAS keeps threads of its own unless told otherwise; a worker is one thread.
    static func useOneThread() {
        openblas_set_num_threads(1)
    }

    /// C = A B, or C += A B where `accumulate`, with A (rows, inner), B (inner, columns) and
    /// C (rows, columns) after their forms are applied; strides are floats from one stored row to
    /// the next.
    static func multiply(
        rows: Int, columns: Int, inner: Int,
        _ a: UnsafePointer<Float>, _ aForm: Form, stride aStride: Int,
        _ b: UnsafePointer<Float>, _ bForm: Form, stride bStride: Int,
        into c: UnsafeMutablePointer<Float>, stride cStride: Int, accumulate: Bool
    ) {
        cblas_sgemm(
            CblasRowMajor, aForm.blas, bForm.blas, blasint(rows), blasint(columns), blasint(inner),
            1, a, blasint(aStride), b, blasint(bStride), accumulate ? 1 : 0, c, blasint(cStride))
    }
}
