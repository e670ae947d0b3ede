// TIFF: strips, samples interleaved, the compression that the info names (with horizontal
// prediction where it has one), BigTIFF where offsets could pass 4 GB.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tiff_io.h"

struct codec_tiff_writer {
    TIFF *tiff;
    codec_io io;
    size_t row_byte_count;
    uint32_t next_row;
    uint8_t *row;   // libtiff's predictor writes into the row it is given
};

// Below 4 GB by enough for data that "compression" makes longer, tables and metadata.
static const double classic_byte_limit = 3.5e9;
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

static int set_metadata(TIFF *tiff, const codec_info *info) {
    int done = TIFFSetField(tiff, TIFFTAG_ORIENTATION, (int)info->orientation);
    if (info->resolution_unit != CODEC_RESOLUTION_ABSENT) {
        int metric = info->resolution_unit == CODEC_RESOLUTION_PER_METER;
        double scale = metric ? 0.01 : 1;
        int unit = info->resolution_unit == CODEC_RESOLUTION_RATIO ? RESUNIT_NONE
            : info->resolution_unit == CODEC_RESOLUTION_PER_INCH   ? RESUNIT_INCH
                                                                   : RESUNIT_CENTIMETER;
        done = done && TIFFSetField(tiff, TIFFTAG_XRESOLUTION, info->resolution_x * scale)
            && TIFFSetField(tiff, TIFFTAG_YRESOLUTION, info->resolution_y * scale)
            && TIFFSetField(tiff, TIFFTAG_RESOLUTIONUNIT, unit);
    }
    if (info->icc != NULL && info->icc_byte_count > 0)
        done = done
            && TIFFSetField(tiff, TIFFTAG_ICCPROFILE, (uint32_t)info->icc_byte_count, info->icc);
    if (info->has_nodata) {
        char text[40];
        snprintf(text, sizeof text, "%.17g", info->nodata);
        done = done && TIFFSetField(tiff, codec_tag_nodata, text);
    }
    return done;
}

// Bands beyond those of the color model have no meaning of their own; alpha is the last sample.
static int set_extra_samples(TIFF *tiff, const codec_info *info) {
    size_t extra = codec_sample_count(info) - codec_model_bands(info->model);
    if (extra == 0) return 1;
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

static int set_fields(codec_tiff_writer *writer, const codec_info *info) {
    TIFF *tiff = writer->tiff;
    size_t rows = strip_byte_count / writer->row_byte_count;
    uint32_t rows_per_strip = rows < 1 ? 1 : rows > info->height ? info->height : (uint32_t)rows;
    int format = info->number == CODEC_FLOAT ? SAMPLEFORMAT_IEEEFP
        : info->number == CODEC_SIGNED       ? SAMPLEFORMAT_INT
                                             : SAMPLEFORMAT_UINT;
    int photometric = info->model == CODEC_RGB ? PHOTOMETRIC_RGB
        : info->model == CODEC_CMYK            ? PHOTOMETRIC_SEPARATED
                                               : PHOTOMETRIC_MINISBLACK;
    int done = TIFFSetField(tiff, TIFFTAG_IMAGEWIDTH, info->width)
        && TIFFSetField(tiff, TIFFTAG_IMAGELENGTH, info->height)
        && TIFFSetField(tiff, TIFFTAG_BITSPERSAMPLE, (int)info->bits)
        && TIFFSetField(tiff, TIFFTAG_SAMPLESPERPIXEL, (int)codec_sample_count(info))
        && TIFFSetField(tiff, TIFFTAG_SAMPLEFORMAT, format)
        && TIFFSetField(tiff, TIFFTAG_PHOTOMETRIC, photometric)
        && TIFFSetField(tiff, TIFFTAG_PLANARCONFIG, PLANARCONFIG_CONTIG)
        && TIFFSetField(tiff, TIFFTAG_ROWSPERSTRIP, rows_per_strip)
        && set_compression(tiff, info) && set_metadata(tiff, info);
    return done && set_extra_samples(tiff, info);
}

codec_status codec_tiff_create(int fd, const codec_info *info, codec_tiff_writer **result,
                               codec_message *message) {
    codec_tiff_writer *writer = calloc(1, sizeof *writer);
    if (writer == NULL) return codec_fail(CODEC_OUT_OF_MEMORY, message, "memory ran out");
    writer->row_byte_count = (size_t)info->width * codec_sample_count(info) * (info->bits / 8);
    writer->row = malloc(writer->row_byte_count);
    int done = writer->row != NULL && codec_io_open(&writer->io, fd, "TIFF file");
    if (done) {
        double all = (double)writer->row_byte_count * info->height + (double)info->icc_byte_count;
        writer->tiff = codec_tiff_handle(&writer->io, all > classic_byte_limit ? "w8" : "w", 0);
    }
    if (!done || writer->tiff == NULL || !set_fields(writer, info)) {
        codec_status status = codec_fail_writing(&writer->io, message);
        codec_tiff_writer_free(writer);
        return status;
    }
    *result = writer;
    return CODEC_OK;
}

codec_status codec_tiff_write_rows(codec_tiff_writer *writer, uint32_t row_count,
                                   const void *samples, codec_message *message) {
    const uint8_t *bytes = samples;
    for (uint32_t i = 0; i < row_count; i++) {
        memcpy(writer->row, bytes + i * writer->row_byte_count, writer->row_byte_count);
        if (TIFFWriteScanline(writer->tiff, writer->row, writer->next_row++, 0) != 1)
            return codec_fail_writing(&writer->io, message);
    }
    return CODEC_OK;
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
    free(writer->row);
    free(writer);
}
