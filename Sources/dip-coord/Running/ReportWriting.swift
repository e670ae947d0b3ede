// The report of a job that has its output: from what is known to its two files.

import Dashboard
import DeepImagePrior
import FoundationEssentials
import Glibc
import Imaging
import JobStore
import Restoration
import Transport
import Version
import Wire

/// What a report shows of the images. What could not be had is nil, with a sentence.
struct ReportPictures: Sendable {
    /// The longest side of a picture in a page.
    static let sideMaximum = 1600

    var before, after: ReducedPicture?
    var gaps: [String] = []

    /// Reads input and output.
    ///
    /// - Parameter input: as the fits see it, in the output's size.
    init(of job: RestoreJob, input: any ImageSource) {
        do throws(ImageError) {
            before = try ReducedPicture(
                of: input, region: job.blend.region, sideMaximum: Self.sideMaximum)
            let output = try ImageFormats.open(job.output)
            output.header.values = job.header.values
            let region = job.blend.isCropped ? nil : job.blend.region
            let size = region ?? .init(job.header)
            guard output.header.colorBands == job.bands,
                size.isInside(width: output.header.width, height: output.header.height)
            else { throw ImageError(.unreadable, "\(job.output) is not the image it was") }
            after = try ReducedPicture(
                of: output, region: region, sideMaximum: Self.sideMaximum)
        } catch {
            before = nil
            gaps.append("there are no pictures: \(error.message)")
        }
    }
}

extension PixelRegion {
    fileprivate init(_ header: ImageHeader) {
        self.init(x: 0, y: 0, width: header.width, height: header.height)
    }
}

extension RestoreJob {
    /// Writes the report where one is wanted. The output is in its place: what cannot be written
    /// is said as an error.
    ///
    /// - Parameter spent: by the run; nil where the output is of an earlier one.
    /// - Returns: The exit code: `code`, or 74 in the place of 0 where there is no report.
    func writeReport(
        _ record: JobRecord?, _ summary: JobReport?, _ pictures: ReportPictures?,
        _ disagreement: ReducedMap?, warnings: [String], code: Int32, spent: Spent?,
        _ console: inout Console
    ) -> Int32 {
        guard let reportFolder, let record else { return code }
        do {
            var report = Report(
                record, summary: summary,
                libraries: ProgramVersion.all(DipCoord.facts).map {
                    .init(name: $0.name, version: $0.value)
                }, warnings: warnings, exitCode: Int(code),
                writtenAt: Console.secondsSince1970(), isOfEarlierRun: spent == nil)
            report.pilots = stop?.inPages
            report.gaps += pictures?.gaps ?? []
            if disagreement == nil {
                report.gaps.append(
                    "there is no map of disagreement: it is made with the output alone")
            }
            if let spent {
                report.times.coordinatorCPUSeconds = spent.coordinatorCPUSeconds
                report.times.localWorkerCPUSeconds = spent.localWorkerCPUSeconds
            }
            let images = try Self.images(pictures, disagreement, &report)
            let folder = ReportFolder(path: reportFolder)
            try folder.write(
                page: ReportPage(report, images).html,
                data: try Text.json(report, indented: true) + [UInt8(ascii: "\n")])
            console.text("report     \(folder.page)")
            return code
        } catch {
            console.error(
                "the output is made, but there is no report of it: \(ProgramError(error).message)")
            return code == 0 ? ProgramError.Code.unprintable.rawValue : code
        }
    }

    private static func images(
        _ pictures: ReportPictures?, _ disagreement: ReducedMap?, _ report: inout Report
    ) throws -> ReportImages {
        var images = ReportImages()
        guard let before = pictures?.before, let after = pictures?.after else { return images }
        images.before = .init(mediaType: "image/jpeg", bytes: try before.encoded(.jpeg))
        images.after = .init(mediaType: "image/jpeg", bytes: try after.encoded(.jpeg))
        report.pictures = Report.Pictures(
            reduction: before.reduction, width: before.width, height: before.height,
            disagreementMaximum: disagreement.map { Double($0.maximum) })
        if let disagreement {
            let picture = disagreement.picture(maximum: disagreement.maximum)
            images.disagreement = .init(mediaType: "image/png", bytes: try picture.encoded(.png))
        }
        return images
    }

    /// The record of a job.
    ///
    /// - Parameter withPast: with the curves, workers and failures of earlier runs, as far as the
    ///   job's folder knows of them.
    func record(
        stored: Set<Int>, setAside: Set<Int>, beganAt: Double, withPast: Bool
    ) -> JobRecord {
        var record = JobRecord(description(beganAt: beganAt))
        record.restore(stored: stored, setAside: setAside)
        guard withPast else { return record }
        var last: Double?
        // What cannot be read is not known; the report says so.
        try? JobStore.readEvents(
            inFolder: folder, fileSystem: PosixFileSystem(),
            lineByteCountMaximum: EventLine.byteCountMaximum
        ) { bytes in
            guard let line = EventLine(parsing: bytes, job: job.rawValue) else { return }
            record.restore(line)
            last = line.time
        }
        if let last { record.endEarlierRun(at: last) }
        return record
    }

    /// The summary of the run that has made the output; nil where the folder has none.
    var formerSummary: JobReport? {
        guard
            let bytes = try? PosixFileSystem().contents(
                folder + "/report.json", byteCountMax: 256 << 20)
        else { return nil }
        return try? JSONDecoder().decode(JobReport.self, from: Data(bytes))
    }
}

extension StopFact {
    /// With the curves.
    var inPages: Report.Pilots {
        Report.Pilots(
            stop: inReport, iterationsMaximum: iterationsMaximum, interval: interval,
            pilots: pilots.map { pilot in
                .init(
                    region: .init(pilot.region),
                    values: pilot.values.map { $0 < 0 || !$0.isFinite ? nil : Double($0) })
            })
    }
}
