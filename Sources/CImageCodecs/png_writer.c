// PNG: 8 or 16 bit, gray or RGB with or without alpha, not interlaced.
#include <math.h>
#include <stdlib.h>

#include "png_io.h"

struct codec_png_writer {
    png_structp png;
    png_infop meta;
    codec_io io;
    size_t row_byte_count;
};

static void set_metadata(codec_png_writer *writer, const codec_info *info, int *profile_dropped) {
    if (info->resolution_unit != CODEC_RESOLUTION_ABSENT) {
        int ratio = info->resolution_unit == CODEC_RESOLUTION_RATIO;
        double scale = info->resolution_unit == CODEC_RESOLUTION_PER_INCH ? 1 / 0.0254
            : info->resolution_unit == CODEC_RESOLUTION_PER_CENTIMETER    ? 100
                                                                          : 1;
        double x = round(info->resolution_x * scale), y = round(info->resolution_y * scale);
        if (x >= 1 && y >= 1 && x <= PNG_UINT_31_MAX && y <= PNG_UINT_31_MAX)
            png_set_pHYs(writer->png, writer->meta, (png_uint_32)x, (png_uint_32)y,
                         ratio ? PNG_RESOLUTION_UNKNOWN : PNG_RESOLUTION_METER);
    }
    if (info->icc != NULL && info->icc_byte_count > 0 && info->icc_byte_count <= PNG_UINT_31_MAX) {
        png_set_iCCP(writer->png, writer->meta, "ICC profile", PNG_COMPRESSION_TYPE_BASE, info->icc,
                     (png_uint_32)info->icc_byte_count);
        *profile_dropped = png_get_valid(writer->png, writer->meta, PNG_INFO_iCCP) == 0;
    }
}

static codec_status write_header(codec_png_writer *writer, const codec_info *info,
                                 int *profile_dropped, codec_message *message) {
    png_structp png = writer->png;
    if (setjmp(png_jmpbuf(png))) return codec_fail_writing(&writer->io, message);
    png_set_user_limits(png, PNG_UINT_31_MAX, PNG_UINT_31_MAX);
    png_set_benign_errors(png, 1);   // a profile that libpng finds unfit is left out, not fatal
    int type = info->color_bands == 3 ? PNG_COLOR_MASK_COLOR : 0;
    if (info->alpha != CODEC_ALPHA_NONE) type |= PNG_COLOR_MASK_ALPHA;
    png_set_IHDR(png, writer->meta, info->width, info->height, (int)info->bits, type,
                 PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_BASE, PNG_FILTER_TYPE_BASE);
    set_metadata(writer, info, profile_dropped);
    png_write_info(png, writer->meta);
    const uint16_t one = 1;
    if (info->bits == 16 && *(const uint8_t *)&one == 1) png_set_swap(png);   // PNG is big-endian
    return CODEC_OK;
}

codec_status codec_png_create(int fd, const codec_info *info, codec_png_writer **result,
                              int *profile_dropped, codec_message *message) {
    *profile_dropped = 0;
    codec_png_writer *writer = calloc(1, sizeof *writer);
    if (writer == NULL) return codec_fail(CODEC_OUT_OF_MEMORY, message, "memory ran out");
    writer->row_byte_count = (size_t)info->width * codec_sample_count(info) * (info->bits / 8);
    codec_status status = CODEC_OK;
    if (!codec_io_open(&writer->io, fd, "PNG file"))
        status = codec_fail_writing(&writer->io, message);
    if (status == CODEC_OK) {
        writer->png = png_create_write_struct(PNG_LIBPNG_VER_STRING, &writer->io, codec_png_error,
                                              codec_png_warning);
        if (writer->png != NULL) writer->meta = png_create_info_struct(writer->png);
        if (writer->meta == NULL) {
            status = codec_fail(CODEC_OUT_OF_MEMORY, message, "memory ran out");
        } else {
            png_set_write_fn(writer->png, &writer->io, codec_png_write_bytes, codec_png_flush);
            status = write_header(writer, info, profile_dropped, message);
        }
    }
    if (status != CODEC_OK) {
        codec_png_writer_free(writer);
        return status;
    }
    *result = writer;
    return CODEC_OK;
}

codec_status codec_png_write_chunk(codec_png_writer *writer, const char *type,
                                   const uint8_t *bytes, size_t count, codec_message *message) {
    if (setjmp(png_jmpbuf(writer->png))) return codec_fail_writing(&writer->io, message);
    png_write_chunk(writer->png, (png_const_bytep)type, bytes, count);
    return CODEC_OK;
}

codec_status codec_png_write_rows(codec_png_writer *writer, uint32_t row_count,
                                  const void *samples, codec_message *message) {
    if (setjmp(png_jmpbuf(writer->png))) return codec_fail_writing(&writer->io, message);
    for (uint32_t i = 0; i < row_count; i++)
        png_write_row(writer->png, (png_const_bytep)samples + i * writer->row_byte_count);
    return CODEC_OK;
}

codec_status codec_png_finish(codec_png_writer *writer, codec_message *message) {
    if (setjmp(png_jmpbuf(writer->png))) return codec_fail_writing(&writer->io, message);
    png_write_end(writer->png, writer->meta);
    return CODEC_OK;
}

void codec_png_writer_free(codec_png_writer *writer) {
    if (writer == NULL) return;
    if (writer->png != NULL) png_destroy_write_struct(&writer->png, &writer->meta);
    free(writer);
}
