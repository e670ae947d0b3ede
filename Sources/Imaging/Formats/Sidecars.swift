// Files that other programs keep beside a TIFF.

import Glibc

/// What to say about those that are there: they are not read, and the output gets none.
///
/// - Parameter path: of the TIFF.
func sidecarWarnings(_ path: String) -> [String] {
    let (folder, name) = splitPath(path)
    let stem = name.lastIndex(of: ".").map { String(name[..<$0]) } ?? name
    let names =
        [".ovr", ".msk", ".aux.xml"].map { name + $0 }
        + [".tfw", ".TFW", ".tifw", ".tiffw", ".wld", ".aux.xml"].map { stem + $0 }
    let present = names.filter { access(folder + $0, F_OK) == 0 }
    guard !present.isEmpty else { return [] }
    return [
        "\(path): \(present.joined(separator: ", ")) beside it \(present.count > 1 ? "are" : "is") "
            + "not read, and the output has no such files"
    ]
}
