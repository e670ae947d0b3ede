// Images about the output that are written beside it.

import ArgumentParser
import Imaging
import Restoration

struct MapOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            """
            Also write how far neighbouring tiles disagree where they overlap: a TIFF of one \
            float32 band, 0 to 1. It is replaced if it exists.
            """, valueName: "file"),
        completion: .file())
    var disagreement: String?

    @Option(
        help: ArgumentHelp(
            """
            Also write how sure the output is: a TIFF of one float32 band with the standard \
            deviation of the fits that have part in each pixel (--restarts, and overlapping \
            tiles), in the file's values; NaN where fewer than two have. It is replaced if it \
            exists.
            """, valueName: "file"),
        completion: .file())
    var uncertainty: String?

    /// The files that are asked for, by option.
    var files: [(option: String, path: String)] {
        [("--disagreement", disagreement), ("--uncertainty", uncertainty)].compactMap {
            name, path in path.map { (name, $0) }
        }
    }

    /// Says where maps go.
    ///
    /// - Parameter restarts: fits of each tile.
    /// - Throws: where a map cannot be, or would have nothing to show.
    func apply(
        to facts: inout BlendFacts, file: String, restarts: Int
    ) throws {
        for (option, path) in files {
            let others = [facts.output] + files.filter { $0.option != option }.map(\.path)
            guard
                path.lowercased().hasSuffix(".tif") || path.lowercased().hasSuffix(".tiff"),
                !others.contains(where: { nameSameFile($0, path) })
            else {
                throw ProgramError(
                    .usage,
                    "\(option) is \(path); a TIFF that is neither the output nor another map is "
                        + "wanted")
            }
            do throws(ImageError) {
                try ImageFormats.checkOutput(path, input: file, overwrite: true)
            } catch {
                throw ProgramError(error)
            }
        }
        guard uncertainty == nil || restarts > 1 || facts.plan.tileCount > 1 else {
            throw ProgramError(
                .usage,
                "--uncertainty has nothing to compare: the image is one tile that is fitted once; "
                    + "add --restarts, from 2 on")
        }
        facts.disagreementMap = disagreement
        facts.uncertaintyMap = uncertainty
    }
}
