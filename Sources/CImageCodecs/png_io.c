#include "png_io.h"

#include <stdio.h>

void codec_png_error(png_structp png, png_const_charp text) {
    codec_io *io = png_get_error_ptr(png);
    if (io->text[0] == 0) snprintf(io->text, sizeof io->text, "%s", text);
    png_longjmp(png, 1);
}

void codec_png_warning(png_structp png, png_const_charp text) { (void)png, (void)text; }

void codec_png_read_bytes(png_structp png, png_bytep bytes, size_t count) {
    if (codec_io_read(png_get_io_ptr(png), bytes, count) != count)
        png_error(png, "it ends too early");
}

void codec_png_write_bytes(png_structp png, png_bytep bytes, size_t count) {
    if (codec_io_write(png_get_io_ptr(png), bytes, count) != count)
        png_error(png, "writing failed");
}

void codec_png_flush(png_structp png) { (void)png; }
