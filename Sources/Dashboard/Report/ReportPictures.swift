// The pictures of the page: before and after, and how far tiles disagree.

extension ReportPage {
    var pictures: HTML {
        guard let facts = report.pictures else { return "" }
        var body: HTML = ""
        if let before = images.before, let after = images.after {
            body += comparison(before, after, facts)
        }
        if let disagreement = images.disagreement {
            body += map(disagreement, facts)
        }
        return section("pictures", "Before and after", body)
    }

    private func comparison(
        _ before: ReportImages.Image, _ after: ReportImages.Image, _ facts: Report.Pictures
    ) -> HTML {
        let (width, height) = (facts.width, facts.height)
        let scale =
            facts.reduction == 1
            ? "every pixel is shown"
            : "each pixel is the mean of \(facts.reduction) x \(facts.reduction) of the image's"
        let before: HTML = """
            <img src="\(before.address)" width="\(width)" height="\(height)" alt="The input">
            """
        let after: HTML = """
            <img src="\(after.address)" width="\(width)" height="\(height)" alt="The output">
            """
        return """
            <div class="scroll"><div class="compare" style="--shape:\(width)/\(height)">
            <figure class="before">\(before)<figcaption>before</figcaption></figure>
            <figure class="after">\(after)<figcaption>after</figcaption></figure>
            \(windows)<input type="range" min="0" max="1000" value="500" \
            aria-label="How much of the input is shown">
            </div></div>
            <p class="note">Move the line, also with the arrow keys; \(scale).
            Pixels that are missing in the input are gray.
            <label><input type="checkbox" id="grid"> tiles</label>
            <button type="button" id="zoom">actual size</button></p>

            """
    }

    /// The tiles' windows over the picture, of those that the table shows.
    private var windows: HTML {
        let job = report.job
        let windows: [HTML] = shownTiles.map { tile in
            let window = job.windows[tile]
            return """
                <rect data-tile="\(tile)" x="\(window.x)" y="\(window.y)" width="\(window.width)" \
                height="\(window.height)"/>
                """
        }
        return """
            <svg class="windows" viewBox="0 0 \(job.width) \(job.height)" \
            preserveAspectRatio="none" aria-hidden="true">\(windows)</svg>

            """
    }

    private func map(_ image: ReportImages.Image, _ facts: Report.Pictures) -> HTML {
        let maximum = facts.disagreementMaximum ?? 0
        let seams = report.summary.map {
            "Over all overlaps it is \(Text.fixed($0.seamRMS * 255, 2)) (root mean square)."
        }
        return """
            <h3>Where neighbouring tiles disagree</h3>
            <figure class="map"><div class="scroll"><img src="\(image.address)" \
            style="--shape:\(facts.width)/\(facts.height)" width="\(facts.width)" \
            height="\(facts.height)" alt="Map of disagreement"></div>
            <figcaption><i class="ramp">&nbsp;</i> 0 to \(Text.fixed(maximum * 255, 1)) of 255, the
            greatest difference (root mean square over the bands) in each pixel shown.
            \(seams ?? "")
            Tiles are blended, so what is seen in the output is less.</figcaption></figure>

            """
    }
}
