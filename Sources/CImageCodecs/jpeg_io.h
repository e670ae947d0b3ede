// libjpeg's errors, source and destination over a codec_io. Errors leave through longjmp to the
// setjmp of the calling function.
#ifndef JPEG_IO_H
#define JPEG_IO_H

#include <setjmp.h>
#include <stdio.h>

#include <jpeglib.h>

#include "codec_io.h"

typedef struct codec_jpeg_io {
    struct jpeg_error_mgr errors;   // first, so that the library's pointer to it leads here
    jmp_buf place;
    codec_io file;
    int is_strict;                  // damage that the library would make up for is an error
    int code;                       // of the first error
    struct jpeg_source_mgr source;
    struct jpeg_destination_mgr destination;
    JOCTET buffer[64 << 10];
} codec_jpeg_io;

// Every call of the library needs a setjmp of io->place first.
struct jpeg_error_mgr *codec_jpeg_errors(codec_jpeg_io *io);
void codec_jpeg_set_source(j_decompress_ptr jpeg, codec_jpeg_io *io);
void codec_jpeg_set_destination(j_compress_ptr jpeg, codec_jpeg_io *io);
// Leaves with words of ours.
void codec_jpeg_leave(j_common_ptr jpeg, const char *text);

#endif
