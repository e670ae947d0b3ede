// Maps and sums over whole arrays, for the fit around the network.

import CKernels

extension Kernels {
    /// average = decay * average + (1 - decay) * values
    public func blendAverage(
        _ average: inout [Float], with values: UnsafeMutableBufferPointer<Float>, decay: Float
    ) {
        precondition(average.count == values.count)
        table.pointee.blend_average(&average, values.baseAddress, Int64(values.count), decay)
    }

    /// residual = prediction - target; returns the sum of its squares.
    public func residual(
        of prediction: UnsafeMutableBufferPointer<Float>, from target: [Float],
        into residual: UnsafeMutableBufferPointer<Float>
    ) -> Double {
        precondition(prediction.count == target.count && residual.count == target.count)
        return table.pointee.residual(
            prediction.baseAddress, target, Int64(target.count), residual.baseAddress)
    }

    /// values *= factor
    public func scale(_ values: UnsafeMutableBufferPointer<Float>, by factor: Float) {
        table.pointee.scale(values.baseAddress, Int64(values.count), factor)
    }
}
