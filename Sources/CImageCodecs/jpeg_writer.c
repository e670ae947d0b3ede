// JPEG: baseline, 8 bits, gray, RGB as YCbCr, or CMYK that counts paper as Adobe's programs do.
#include <math.h>
#include <stdlib.h>

#include "jpeg_io.h"

#include <jerror.h>

struct codec_jpeg_writer {
    struct jpeg_compress_struct jpeg;
    codec_jpeg_io io;
    size_t row_byte_count;
    uint8_t *row;   // of CMYK
};

// From this quality on, colours are as fine as brightness.
static const int fine_color_quality = 90;
// Tables made for the image need all of its coefficients, which is too much for a large one.
static const double coefficient_byte_limit = 256 << 20;

// JFIF holds whole numbers of 16 bits, per inch, per centimetre, or as a ratio.
static void set_density(struct jpeg_compress_struct *jpeg, const codec_info *info) {
    if (info->resolution_unit == CODEC_RESOLUTION_ABSENT) return;
    double x = info->resolution_x, y = info->resolution_y;
    int unit = 1;
    if (info->resolution_unit == CODEC_RESOLUTION_PER_CENTIMETER) {
        unit = 2;
    } else if (info->resolution_unit == CODEC_RESOLUTION_PER_METER) {
        x *= 0.0254, y *= 0.0254;
    } else if (info->resolution_unit == CODEC_RESOLUTION_RATIO) {
        unit = 0;
        double largest = x > y ? x : y;
        int is_whole = x == round(x) && y == round(y) && largest <= 65535;
        if (!is_whole) x *= 10000 / largest, y *= 10000 / largest;
    }
    x = round(x), y = round(y);
    if (!(x >= 1 && y >= 1 && x <= 65535 && y <= 65535)) return;
    jpeg->density_unit = (UINT8)unit;
    jpeg->X_density = (UINT16)x;
    jpeg->Y_density = (UINT16)y;
}

static codec_status fail(codec_jpeg_writer *writer, codec_message *message) {
    if (writer->io.code == JERR_OUT_OF_MEMORY)
        return codec_fail(CODEC_OUT_OF_MEMORY, message, "memory ran out");
    return codec_fail_writing(&writer->io.file, message);
}

static codec_status write_header(codec_jpeg_writer *writer, const codec_info *info, int quality,
                                 codec_message *message) {
    struct jpeg_compress_struct *jpeg = &writer->jpeg;
    if (setjmp(writer->io.place)) return fail(writer, message);
    jpeg_create_compress(jpeg);
    codec_jpeg_set_destination(jpeg, &writer->io);
    jpeg->image_width = info->width;
    jpeg->image_height = info->height;
    jpeg->input_components = (int)info->color_bands;
    jpeg->in_color_space = info->model == CODEC_RGB ? JCS_RGB
        : info->model == CODEC_CMYK                 ? JCS_CMYK
                                                    : JCS_GRAYSCALE;
    jpeg_set_defaults(jpeg);   // YCbCr with a quarter of the colours, CMYK as it is
    jpeg_set_quality(jpeg, quality, TRUE);
    jpeg->dct_method = JDCT_ISLOW;
    double coefficients = (double)info->width * info->height * info->color_bands;
    if (info->model == CODEC_RGB && quality >= fine_color_quality)
        jpeg->comp_info[0].h_samp_factor = jpeg->comp_info[0].v_samp_factor = 1;
    jpeg->optimize_coding = coefficients * sizeof(JCOEF) <= coefficient_byte_limit;
    set_density(jpeg, info);
    jpeg_start_compress(jpeg, TRUE);
    return CODEC_OK;
}

codec_status codec_jpeg_create(int fd, const codec_info *info, int quality,
                               codec_jpeg_writer **result, codec_message *message) {
    codec_jpeg_writer *writer = calloc(1, sizeof *writer);
    if (writer == NULL) return codec_fail(CODEC_OUT_OF_MEMORY, message, "memory ran out");
    writer->jpeg.err = codec_jpeg_errors(&writer->io);
    writer->row_byte_count = (size_t)info->width * info->color_bands;
    codec_status status = CODEC_OK;
    if (info->model == CODEC_CMYK) {
        writer->row = malloc(writer->row_byte_count);
        if (writer->row == NULL)
            status = codec_fail(CODEC_OUT_OF_MEMORY, message, "memory ran out");
    }
    if (status == CODEC_OK && !codec_io_open(&writer->io.file, fd, "JPEG file"))
        status = codec_fail_writing(&writer->io.file, message);
    if (status == CODEC_OK) status = write_header(writer, info, quality, message);
    if (status != CODEC_OK) {
        codec_jpeg_writer_free(writer);
        return status;
    }
    *result = writer;
    return CODEC_OK;
}

codec_status codec_jpeg_write_segment(codec_jpeg_writer *writer, int marker, const uint8_t *bytes,
                                      size_t count, codec_message *message) {
    if (setjmp(writer->io.place)) return fail(writer, message);
    jpeg_write_marker(&writer->jpeg, marker, bytes, (unsigned)count);
    return CODEC_OK;
}

codec_status codec_jpeg_write_rows(codec_jpeg_writer *writer, uint32_t row_count,
                                   const void *samples, codec_message *message) {
    if (setjmp(writer->io.place)) return fail(writer, message);
    for (uint32_t i = 0; i < row_count; i++) {
        JSAMPROW row = (JSAMPROW)samples + i * writer->row_byte_count;
        if (writer->row != NULL) {
            for (size_t j = 0; j < writer->row_byte_count; j++) writer->row[j] = row[j] ^ 0xFF;
            row = writer->row;
        }
        jpeg_write_scanlines(&writer->jpeg, &row, 1);
    }
    return CODEC_OK;
}

codec_status codec_jpeg_finish(codec_jpeg_writer *writer, codec_message *message) {
    if (setjmp(writer->io.place)) return fail(writer, message);
    jpeg_finish_compress(&writer->jpeg);
    return CODEC_OK;
}

void codec_jpeg_writer_free(codec_jpeg_writer *writer) {
    if (writer == NULL) return;
    jpeg_destroy_compress(&writer->jpeg);
    free(writer->row);
    free(writer);
}
