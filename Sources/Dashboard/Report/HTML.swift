// Pieces of a page. Whatever comes from elsewhere is text and stays text.

/// Markup; made of texts by `text`, which escapes.
struct HTML: ExpressibleByStringInterpolation, CustomStringConvertible {
    struct StringInterpolation: StringInterpolationProtocol {
        var markup: String

        init(literalCapacity: Int, interpolationCount: Int) { markup = "" }

        mutating func appendLiteral(_ literal: String) { markup += literal }
        mutating func appendInterpolation(_ html: HTML) { markup += html.markup }
        mutating func appendInterpolation(_ html: [HTML]) {
            for part in html { markup += part.markup }
        }
        mutating func appendInterpolation(_ text: String) { markup += HTML.escaped(text) }
        mutating func appendInterpolation(_ number: Int) { markup += String(number) }
    }

    private(set) var markup: String
    var description: String { markup }

    init(stringLiteral markup: String) { self.markup = markup }
    init(stringInterpolation: StringInterpolation) { markup = stringInterpolation.markup }

    /// What is markup already: styles, scripts and drawings of our own.
    init(markup: String) { self.markup = markup }

    static func += (left: inout HTML, right: HTML) { left.markup += right.markup }

    static func joined(_ parts: [HTML]) -> HTML { "\(parts)" }

    /// The text as it is seen, in elements and in attributes between double quotes. Characters
    /// that a page must not have become question marks.
    static func escaped(_ text: String) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "\"": result += "&quot;"
            case "'": result += "&#39;"
            case "\n", "\t": result.unicodeScalars.append(scalar)
            default:
                let isControl = scalar.properties.generalCategory == .control
                result.unicodeScalars.append(isControl ? "?" : scalar)
            }
        }
        return result
    }

    /// A table of texts.
    static func table(_ heads: [String], _ rows: [[String]]) -> HTML {
        let head: [HTML] = heads.map { "<th scope=\"col\">\($0)</th>" }
        let body: [HTML] = rows.map { row in
            let cells: [HTML] = row.map { "<td>\($0)</td>" }
            return "<tr>\(cells)</tr>\n"
        }
        return """
            <div class="wide"><table><thead><tr>\(head)</tr></thead>
            <tbody>
            \(body)</tbody></table></div>

            """
    }

    /// A table with a name and a value in each row.
    static func facts(_ rows: [(name: String, value: HTML)]) -> HTML {
        let rows: [HTML] = rows.map {
            "<tr><th scope=\"row\">\($0.name)</th><td>\($0.value)</td></tr>\n"
        }
        return "<table class=\"facts\"><tbody>\n\(rows)</tbody></table>\n"
    }
}
