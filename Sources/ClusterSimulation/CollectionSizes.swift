import Wire

/// How much a value holds: the sizes of all collections in it, found by looking, so that a
/// collection which is added to a state machine is watched without anyone saying so.
public struct CollectionSizes: Equatable, Sendable {
    /// Elements by the path of the collection's property; of several collections under one path,
    /// all their elements.
    public private(set) var counts: [String: Int] = [:]

    /// Looks through a value.
    public init(of value: Any) {
        visit(value, path: "")
    }

    /// All elements of all collections.
    public var total: Int { counts.values.reduce(0, +) }

    /// The collection with the most elements.
    public var largest: (path: String, count: Int)? {
        counts.max { ($0.value, $1.key) < ($1.value, $0.key) }.map { ($0.key, $0.value) }
    }

    private mutating func visit(_ value: Any, path: String) {
        // Their elements are not kept one by one.
        if value is String || value is Duration || value is PeerID { return }
        let mirror = Mirror(reflecting: value)
        switch mirror.displayStyle {
        case .collection, .set, .dictionary:
            counts[path, default: 0] += mirror.children.count
            for child in mirror.children { visit(child.value, path: path) }
        default:
            for child in mirror.children {
                let label = child.label.map { path.isEmpty ? $0 : "\(path).\($0)" } ?? path
                visit(child.value, path: label)
            }
        }
    }
}
