// What the parts of the TIFF reader share.
#ifndef TIFF_READER_H
#define TIFF_READER_H

#include "tiff_io.h"

struct codec_tiff_reader {
    TIFF *tiff;
    codec_io io;
    codec_info info;
    codec_blocks blocks;
    int inverted;            // min-is-white
    int palette;             // stored samples are places in the color map
    int color_shift;         // bits by which its colors of 8 bits are shifted
    uint32_t stored_bits;    // of a sample in the file: 1, 2, 4, 9 to 15 or those of the info
    uint32_t stored_samples; // of a pixel in the file
    int planes;              // 1, or the samples per pixel when each has its own blocks
    uint8_t missing[8];      // a sample of blocks that were never written, as it is stored
    uint8_t *plane;          // one block of one plane, or of packed samples
};

// Finds what a sample is and means. ratio becomes the most bytes that one byte can unpack to.
codec_status codec_tiff_find_samples(codec_tiff_reader *reader, double *ratio,
                                     codec_message *message);
// Whether stored samples differ from decoded ones by more than their order.
static inline int codec_tiff_is_packed(const codec_tiff_reader *reader) {
    return reader->palette || reader->stored_bits != reader->info.bits;
}
// Bytes of a stored row of this width: of one plane where samples lie in several.
static inline size_t codec_tiff_stored_row(const codec_tiff_reader *reader, uint32_t width) {
    size_t samples = reader->planes > 1 ? 1 : reader->stored_samples;
    return ((size_t)width * samples * reader->stored_bits + 7) / 8;
}
// Fills stored rows with the missing sample.
void codec_tiff_fill_missing(const codec_tiff_reader *reader, void *bytes, size_t count,
                             size_t row_bytes);
// Turns the stored rows of a plane (reader->plane) into samples: the full range of 8 bits from
// fewer, the same numbers from 9 to 15 bits, or the color map's colors.
void codec_tiff_unpack(const codec_tiff_reader *reader, int plane, uint32_t width,
                       uint32_t height, void *samples);

#endif
