// libpng's callbacks over a codec_io. Errors leave through longjmp to the setjmp of the calling
// function.
#ifndef PNG_IO_H
#define PNG_IO_H

#include <png.h>

#include "codec_io.h"

void codec_png_error(png_structp png, png_const_charp text);
void codec_png_warning(png_structp png, png_const_charp text);
void codec_png_read_bytes(png_structp png, png_bytep bytes, size_t count);
void codec_png_write_bytes(png_structp png, png_bytep bytes, size_t count);
void codec_png_flush(png_structp png);

#endif
