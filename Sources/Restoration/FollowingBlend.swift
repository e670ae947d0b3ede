// The last pass beside the fits, so that little of it is left when they are done.

public import Imaging
public import JobStore

/// Makes rows of the output as soon as the results are there that they need, on a thread of its
/// own. What it makes is what a `Blend` makes at the end, byte by byte. Where it fails, or
/// something comes otherwise than it was told, the pass is made at the end.
public final class FollowingBlend {
    private let blend: Blend
    private let ended: EndedFits
    /// nil when it has been asked for.
    private var rows: BackgroundCall<Result<BlendedRows, any Error>>?

    /// - Parameters:
    ///   - facts: without fits that are set aside.
    ///   - source: the input, which others may read meanwhile.
    ///   - store: where results are stored meanwhile.
    ///   - isCancelled: asked after every band, on the other thread.
    public init(
        _ facts: BlendFacts, source: any ImageSource, store: JobStore,
        isCancelled: @escaping () -> Bool = { false }
    ) {
        let ended = EndedFits(stored: store.stateAtOpening.stored)
        let blend = Blend(facts, source: source, store: store, following: ended)
        (self.blend, self.ended) = (blend, ended)
        rows = BackgroundCall {
            defer { store.keepStoredTiles(byteCountMaximum: 0) }
            return Result { try blend.makeRows { isCancelled() || ended.isCancelled } }
        }
    }

    deinit { ended.cancel() }

    /// Results have been stored.
    public func add(_ fits: [Int]) { ended.add(fits) }

    /// No more results come: makes the rest. To be called once.
    ///
    /// - Parameter setAside: fits that came to nothing.
    /// - Returns: nil where the pass is to be made from the beginning; of this one nothing is left.
    /// - Throws: `BlendCancelled`, and `ImageError` of kind `.outputExists`.
    public func finish(setAside: Set<Int>) throws -> BlendResult? {
        let hasRest = ended.end(leftOut: setAside)
        if !hasRest { ended.cancel() }
        guard let rows = self.rows.take() else { return nil }
        do {
            let made = try rows.wait().get()
            return hasRest ? try blend.finish(made) : nil
        } catch let error as ImageError where error.kind == .outputExists {
            throw error
        } catch let error as BlendCancelled where hasRest {
            throw error
        } catch {
            return nil
        }
    }
}
