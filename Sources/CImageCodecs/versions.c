#include "CImageCodecs.h"

#include <stdio.h>

#include <jpeglib.h>
#include <png.h>
#include <tiffio.h>
#include <zlib.h>

#define TEXT_OF(macro) TEXT(macro)
#define TEXT(value) #value

// "LIBTIFF, Version 4.5.1" and lines about its authors.
const char *codec_tiff_version(void) {
    static char version[32];
    const char *all = TIFFGetVersion();
    if (sscanf(all, "LIBTIFF, Version %31[^\n]", version) != 1) return all;
    return version;
}

const char *codec_png_version(void) { return png_get_libpng_ver(NULL); }

const char *codec_zlib_version(void) { return zlibVersion(); }

const char *codec_jpeg_version(void) {
#ifdef LIBJPEG_TURBO_VERSION
    return TEXT_OF(LIBJPEG_TURBO_VERSION) " (when built)";
#else
    return "another libjpeg, interface " TEXT_OF(JPEG_LIB_VERSION) " (when built)";
#endif
}
