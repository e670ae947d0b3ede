internal import CImageCodecs

/// The libraries that read and write image files.
public enum CodecLibraries {
    /// Each with its version as it runs here; libjpeg-turbo's as it was built against, since that
    /// one does not tell.
    public static var all: [(name: String, value: String)] {
        [
            ("libtiff", String(cString: codec_tiff_version())),
            ("libpng", String(cString: codec_png_version())),
            ("libjpeg-turbo", String(cString: codec_jpeg_version())),
            ("zlib", String(cString: codec_zlib_version())),
        ]
    }
}
