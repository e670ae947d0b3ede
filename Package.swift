// swift-tools-version: 6.2
import PackageDescription

let swiftSettings: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
]

// The kernels are optimized in debug builds too: a fit in a test costs what it costs a user.
let kernelSettings: [CSetting] = [
    .unsafeFlags(["-O3", "-ffp-contract=fast", "-fno-math-errno", "-Wall", "-Wno-psabi"])
]

// No product is fused with a sum: pixels have the same bits on every CPU.
let sampleSettings: [CSetting] = [
    .unsafeFlags(["-O3", "-ffp-contract=off", "-fno-math-errno", "-Wall"])
]

func library(
    _ name: String, _ dependencies: [Target.Dependency] = [], resources: [Resource] = []
) -> Target {
    .target(
        name: name, dependencies: dependencies, resources: resources,
        swiftSettings: swiftSettings)
}

func program(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .executableTarget(name: name, dependencies: dependencies, swiftSettings: swiftSettings)
}

func tests(_ name: String, _ dependencies: [Target.Dependency], resources: [Resource] = [])
    -> Target
{
    .testTarget(
        name: name, dependencies: dependencies, resources: resources, swiftSettings: swiftSettings)
}

let argumentParser = Target.Dependency.product(
    name: "ArgumentParser", package: "swift-argument-parser")

let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let flyingSocks = Target.Dependency.product(name: "FlyingSocks", package: "FlyingFox")

let package = Package(
    name: "dip",
    products: [
        .executable(name: "dip-coord", targets: ["dip-coord"]),
        .executable(name: "dip-worker", targets: ["dip-worker"]),
        .executable(name: "dip-bench", targets: ["dip-bench"]),
        .executable(name: "dip-sim", targets: ["dip-sim"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-log.git", from: "1.6.0"),
        .package(url: "https://github.com/swhitty/FlyingFox.git", from: "0.27.1"),
    ],
    targets: [
        // System libraries
        .systemLibrary(
            name: "COpenBLAS", pkgConfig: "openblas", providers: [.apt(["libopenblas-dev"])]),
        .systemLibrary(name: "CZeroMQ", pkgConfig: "libzmq", providers: [.apt(["libzmq3-dev"])]),
        .systemLibrary(
            name: "CDeflate", pkgConfig: "libdeflate", providers: [.apt(["libdeflate-dev"])]),

        // C
        .target(name: "CKernels", cSettings: kernelSettings, linkerSettings: [.linkedLibrary("m")]),
        .target(name: "CSamples", cSettings: sampleSettings),
        .target(
            name: "CImageCodecs",
            linkerSettings: [
                .linkedLibrary("tiff"), .linkedLibrary("png"), .linkedLibrary("jpeg"),
                .linkedLibrary("z"),
            ]),
        .target(name: "CSystem"),
        .target(name: "CVersion"),

        // Rooms
        library("Version", ["CVersion", "CDeflate"]),
        library("Safetensors", ["CSamples"]),
        library("NeuralNetwork", ["CKernels", "COpenBLAS"]),
        library("JSON"),
        library("DeepImagePrior", ["NeuralNetwork", "Safetensors", "JSON"]),
        library("Imaging", ["CImageCodecs", "CSamples"]),
        library("Wire", ["CDeflate"]),
        library("Cluster", ["Wire"]),
        library("JobStore", ["Safetensors", "JSON", "CSamples", "CSystem", "CDeflate"]),
        library("Restoration", ["Imaging", "JobStore"]),
        library("Dashboard", ["JSON"]),
        library("Logs", [logging]),
        library(
            "DashboardServer", ["Dashboard", "Imaging", "Transport", flyingSocks],
            resources: [.embedInCode("Page")]),
        library("Transport", ["CZeroMQ", "CSystem", "Wire"]),
        library("ClusterSimulation", ["Cluster", "JobStore", "Wire"]),

        // Shells
        program(
            "dip-coord",
            [
                "DeepImagePrior", "Imaging", "Wire", "Cluster", "JobStore", "Restoration",
                "Transport", "Dashboard", "DashboardServer", "Logs", "Version",
                argumentParser, logging,
            ]),
        program(
            "dip-worker",
            [
                "DeepImagePrior", "Wire", "Cluster", "Transport", "Logs", "Version",
                argumentParser, logging,
            ]),
        program(
            "dip-bench",
            [
                "NeuralNetwork", "DeepImagePrior", "Safetensors", "Imaging", "JobStore",
                "Restoration", "CSystem", "Version", argumentParser,
            ]),

        program(
            "dip-sim", ["ClusterSimulation", "Cluster", "CSystem", "Version", argumentParser]),

        // Tests, by layer
        tests(
            "NeuralNetworkTests", ["NeuralNetwork", "CKernels"]),
        tests(
            "DeepImagePriorTests", ["DeepImagePrior", "NeuralNetwork", "Safetensors"]),
        tests("ImagingTests", ["Imaging"]),
        tests("WireTests", ["Wire"]),
        tests("ClusterTests", ["Cluster", "Wire"]),
        tests(
            "ClusterSimulationTests",
            ["ClusterSimulation", "Cluster", "JobStore", "Wire", "dip-sim"]),
        tests("JobStoreTests", ["CSystem", "JobStore", "Safetensors"]),
        tests("RestorationTests", ["Restoration", "Imaging", "JobStore"]),
        tests("VersionTests", ["Version"]),
        tests("DashboardTests", ["Dashboard"]),
        tests("LogsTests", ["Logs", logging]),
        tests("DashboardServerTests", ["DashboardServer", "Dashboard", "Imaging"]),
        tests("TransportTests", ["Transport", "Wire"]),
        tests("TidyTests", []),
        tests(
            "EndToEndTests",
            [
                "CSystem", "Dashboard", "DeepImagePrior", "Imaging", "JobStore", "Transport",
                "Version",
                "Wire",
            ]),
    ]
)
