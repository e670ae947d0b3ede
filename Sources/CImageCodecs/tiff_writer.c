// TIFF: strips or tiles, samples interleaved, the compression that the info names (with prediction
// where it has one), and smaller images behind the first. Only what tells how pixels are stored.
#include <stdlib.h>
#include <string.h>

#include "tiff_io.h"

struct codec_tiff_writer {
    TIFF *tiff;
    codec_io io;
    codec_info info;
    size_t pixel_byte_count;
    uint32_t tile_width, tile_height;   // 0 for strips
    uint32_t width, height;             // of the present image
    size_t row_byte_count;
    uint32_t next_row;
    uint32_t band_height;               // of a row of tiles, or a strip
    uint8_t *band;                      // its rows
    uint8_t *tile;
};

static const size_t strip_byte_count = 128 << 10;

static int set_compression(TIFF *tiff, const codec_info *info) {
    int predictor = info->number == CODEC_FLOAT ? PREDICTOR_FLOATINGPOINT : PREDICTOR_HORIZONTAL;
    switch (info->compression) {
    case CODEC_COMPRESSION_LZW:
        return TIFFSetField(tiff, TIFFTAG_COMPRESSION, COMPRESSION_LZW)
            && TIFFSetField(tiff, TIFFTAG_PREDICTOR, predictor);
    case CODEC_COMPRESSION_DEFLATE:
        return TIFFSetField(tiff, TIFFTAG_COMPRESSION, COMPRESSION_ADOBE_DEFLATE)
            && TIFFSetField(tiff, TIFFTAG_PREDICTOR, predictor);
    case CODEC_COMPRESSION_ZSTD:
        return TIFFSetField(tiff, TIFFTAG_COMPRESSION, COMPRESSION_ZSTD)
            && TIFFSetField(tiff, TIFFTAG_PREDICTOR, predictor);
    case CODEC_COMPRESSION_PACKBITS:
        return TIFFSetField(tiff, TIFFTAG_COMPRESSION, COMPRESSION_PACKBITS);
    default:
        return TIFFSetField(tiff, TIFFTAG_COMPRESSION, COMPRESSION_NONE);
    }
}

// Bands beyond those of the color model have no meaning of their own; alpha is the last sample. Of
// one whose meaning the input did not say, nothing is said here either.
static int set_extra_samples(TIFF *tiff, const codec_info *info) {
    size_t extra = codec_sample_count(info) - codec_model_bands(info->model);
    if (extra == 0 || (extra == 1 && info->alpha == CODEC_ALPHA_UNSPECIFIED)) return 1;
    uint16_t *kinds = calloc(extra, sizeof *kinds);
    if (kinds == NULL) return 0;
    if (info->alpha != CODEC_ALPHA_NONE)
        kinds[extra - 1] = info->alpha == CODEC_ALPHA_ASSOCIATED ? EXTRASAMPLE_ASSOCALPHA
            : info->alpha == CODEC_ALPHA_UNASSOCIATED            ? EXTRASAMPLE_UNASSALPHA
                                                                 : EXTRASAMPLE_UNSPECIFIED;
    int done = TIFFSetField(tiff, TIFFTAG_EXTRASAMPLES, (int)extra, kinds);
    free(kinds);
    return done;
}

// What tells how pixels are stored, of the image or of an overview.
static int set_fields(codec_tiff_writer *writer, uint32_t width, uint32_t height, int reduced) {
    TIFF *tiff = writer->tiff;
    const codec_info *info = &writer->info;
    int format = info->number == CODEC_FLOAT ? SAMPLEFORMAT_IEEEFP
        : info->number == CODEC_SIGNED       ? SAMPLEFORMAT_INT
                                             : SAMPLEFORMAT_UINT;
    int photometric = info->model == CODEC_RGB ? PHOTOMETRIC_RGB
        : info->model == CODEC_CMYK            ? PHOTOMETRIC_SEPARATED
                                               : PHOTOMETRIC_MINISBLACK;
    int done = (!reduced || TIFFSetField(tiff, TIFFTAG_SUBFILETYPE, FILETYPE_REDUCEDIMAGE))
        && TIFFSetField(tiff, TIFFTAG_IMAGEWIDTH, width)
        && TIFFSetField(tiff, TIFFTAG_IMAGELENGTH, height)
        && TIFFSetField(tiff, TIFFTAG_BITSPERSAMPLE, (int)info->bits)
        && TIFFSetField(tiff, TIFFTAG_SAMPLESPERPIXEL, (int)codec_sample_count(info))
        && TIFFSetField(tiff, TIFFTAG_SAMPLEFORMAT, format)
        && TIFFSetField(tiff, TIFFTAG_PHOTOMETRIC, photometric)
        && TIFFSetField(tiff, TIFFTAG_PLANARCONFIG, PLANARCONFIG_CONTIG)
        && set_compression(tiff, info) && set_extra_samples(tiff, info);
    if (writer->tile_width > 0)
        return done && TIFFSetField(tiff, TIFFTAG_TILEWIDTH, writer->tile_width)
            && TIFFSetField(tiff, TIFFTAG_TILELENGTH, writer->tile_height);
    return done && TIFFSetField(tiff, TIFFTAG_ROWSPERSTRIP, writer->band_height);
}

// Rows of a strip of an image.
static uint32_t strip_height(size_t row_byte_count, uint32_t height) {
    size_t rows = strip_byte_count / row_byte_count;
    return rows < 1 ? 1 : rows > height ? height : (uint32_t)rows;
}

// Begins an image. The band has room for one of the first image, which is the widest.
static int begin(codec_tiff_writer *writer, uint32_t width, uint32_t height, int reduced) {
    writer->width = width;
    writer->height = height;
    writer->next_row = 0;
    writer->row_byte_count = (size_t)width * writer->pixel_byte_count;
    writer->band_height = writer->tile_height > 0 ? writer->tile_height
                                                  : strip_height(writer->row_byte_count, height);
    return set_fields(writer, width, height, reduced);
}

codec_status codec_tiff_create(int fd, const codec_info *info, const codec_tiff_layout *layout,
                               codec_tiff_writer **result, codec_message *message) {
    codec_tiff_writer *writer = calloc(1, sizeof *writer);
    if (writer == NULL) return codec_fail(CODEC_OUT_OF_MEMORY, message, "memory ran out");
    writer->info = *info;
    writer->info.icc = NULL;   // the caller's, and not written here
    writer->pixel_byte_count = codec_sample_count(info) * (info->bits / 8);
    writer->tile_width = layout->tile_width;
    writer->tile_height = layout->tile_height;
    size_t tile_bytes = (size_t)layout->tile_width * layout->tile_height * writer->pixel_byte_count;
    size_t row_bytes = info->width * writer->pixel_byte_count;
    size_t strip_bytes = row_bytes > strip_byte_count ? row_bytes : strip_byte_count;
    writer->band = malloc(tile_bytes > 0 ? layout->tile_height * row_bytes : strip_bytes);
    writer->tile = malloc(tile_bytes > 0 ? tile_bytes : 1);
    if (writer->band == NULL || writer->tile == NULL) {
        codec_tiff_writer_free(writer);
        return codec_fail(CODEC_OUT_OF_MEMORY, message, "memory ran out for a row of tiles");
    }
    if (codec_io_open(&writer->io, fd, "TIFF file"))
        writer->tiff = codec_tiff_handle(&writer->io, layout->is_big ? "w8" : "w", 0);
    if (writer->tiff == NULL || !begin(writer, info->width, info->height, 0)) {
        codec_status status = codec_fail_writing(&writer->io, message);
        codec_tiff_writer_free(writer);
        return status;
    }
    *result = writer;
    return CODEC_OK;
}

// Writes the tiles of the band; what they have beyond the image's edge repeats the last pixel and
// the last row, which compresses well.
static int write_tiles(codec_tiff_writer *writer, uint32_t band_rows) {
    size_t pixel = writer->pixel_byte_count, tile_row = writer->tile_width * pixel;
    uint32_t top = writer->next_row - band_rows;
    for (uint32_t x = 0; x < writer->width; x += writer->tile_width) {
        uint32_t rest = writer->width - x;
        uint32_t columns = rest < writer->tile_width ? rest : writer->tile_width;
        for (uint32_t y = 0; y < writer->tile_height; y++) {
            uint32_t from = y < band_rows ? y : band_rows - 1;
            uint8_t *to = writer->tile + y * tile_row;
            memcpy(to, writer->band + from * writer->row_byte_count + x * pixel, columns * pixel);
            for (size_t i = columns; i < writer->tile_width; i++)
                memcpy(to + i * pixel, to + (columns - 1) * pixel, pixel);
        }
        uint32_t number = TIFFComputeTile(writer->tiff, x, top, 0, 0);
        if (TIFFWriteEncodedTile(writer->tiff, number, writer->tile,
                                 (tmsize_t)(writer->tile_height * tile_row)) < 0)
            return 0;
    }
    return 1;
}

// Strips are given as wholes: what compresses them may then do so at once, which is faster.
static int write_row(codec_tiff_writer *writer, const void *samples) {
    uint32_t place = writer->next_row % writer->band_height;
    // libtiff's predictor writes into the rows it is given.
    memcpy(writer->band + place * writer->row_byte_count, samples, writer->row_byte_count);
    writer->next_row++;
    if (place + 1 < writer->band_height && writer->next_row < writer->height) return 1;
    if (writer->tile_width > 0) return write_tiles(writer, place + 1);
    uint32_t number = TIFFComputeStrip(writer->tiff, writer->next_row - 1, 0);
    return TIFFWriteEncodedStrip(writer->tiff, number, writer->band,
                                 (tmsize_t)((place + 1) * writer->row_byte_count)) >= 0;
}

codec_status codec_tiff_write_rows(codec_tiff_writer *writer, uint32_t row_count,
                                   const void *samples, codec_message *message) {
    const uint8_t *bytes = samples;
    for (uint32_t i = 0; i < row_count; i++)
        if (!write_row(writer, bytes + i * writer->row_byte_count))
            return codec_fail_writing(&writer->io, message);
    return CODEC_OK;
}

codec_status codec_tiff_begin_overview(codec_tiff_writer *writer, uint32_t width, uint32_t height,
                                       codec_message *message) {
    if (TIFFWriteDirectory(writer->tiff) && writer->io.error == 0
        && begin(writer, width, height, 1))
        return CODEC_OK;
    return codec_fail_writing(&writer->io, message);
}

codec_status codec_tiff_finish(codec_tiff_writer *writer, codec_message *message) {
    // TIFFClose cannot say that it failed: write the directory first, and look at what the file
    // said.
    int done = TIFFWriteDirectory(writer->tiff);
    TIFFClose(writer->tiff);
    writer->tiff = NULL;
    if (!done || writer->io.error != 0) return codec_fail_writing(&writer->io, message);
    return CODEC_OK;
}

void codec_tiff_writer_free(codec_tiff_writer *writer) {
    if (writer == NULL) return;
    if (writer->tiff != NULL) TIFFClose(writer->tiff);
    free(writer->band);
    free(writer->tile);
    free(writer);
}
