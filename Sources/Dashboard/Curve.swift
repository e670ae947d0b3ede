// How a fit has come along, in few points however long it takes.

/// Loss and PSNR over iterations. When its points are used up, every second one goes.
public struct Curve: Codable, Equatable, Sendable {
    /// A fit after an iteration.
    public struct Point: Codable, Equatable, Sendable {
        public var iteration: Int
        public var loss: Double?
        /// To the given pixels, in dB.
        public var psnrToInput: Double?

        public init(iteration: Int, loss: Double?, psnrToInput: Double?) {
            self.iteration = iteration
            self.loss = loss
            self.psnrToInput = psnrToInput
        }
    }

    /// By iteration.
    public private(set) var points: [Point] = []
    /// Iterations between points, at least.
    public private(set) var spacing = 1
    private let pointsMaximum: Int

    /// - Parameter pointsMaximum: at least 4.
    public init(pointsMaximum: Int) {
        precondition(pointsMaximum >= 4, "a curve has at least 4 points")
        self.pointsMaximum = pointsMaximum
    }

    /// How many points each of so many curves may have, so that all of them take some megabytes.
    public static func pointsMaximum(curveCount: Int) -> Int {
        min(max((1 << 18) / max(curveCount, 1), 8), 256)
    }

    /// Adds what is known after an iteration. What lies behind it belongs to a try that came to
    /// nothing, or to a roll-back, and goes.
    ///
    /// - Parameter isLast: whether it is kept however close the former one is.
    /// - Returns: whether the curve has changed.
    @discardableResult
    public mutating func add(_ point: Point, isLast: Bool = false) -> Bool {
        var isChanged = false
        while let last = points.last, last.iteration >= point.iteration {
            if last == point { return isChanged }
            points.removeLast()
            isChanged = true
        }
        if let last = points.last, !isLast, point.iteration - last.iteration < spacing {
            return isChanged
        }
        points.append(point)
        if points.count > pointsMaximum {
            spacing = max(spacing * 2, 2)
            points = points.enumerated().filter {
                $0.offset % 2 == 0 || $0.offset == points.count - 1
            }
            .map(\.element)
        }
        return true
    }
}
