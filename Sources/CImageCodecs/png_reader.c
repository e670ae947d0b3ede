// PNG: every kind of the standard. Palettes and fewer than 8 bits are expanded to 8, tRNS becomes
// alpha.
#include <stdlib.h>

#include "png_io.h"

struct codec_png_reader {
    png_structp png;
    png_infop meta;
    codec_io io;
    codec_info info;
    size_t row_byte_count;
    int passes;   // 7 for Adam7, else 1
};

static codec_status read_header(codec_png_reader *reader, uint64_t byte_limit,
                                codec_message *message) {
    png_structp png = reader->png;
    png_infop meta = reader->meta;
    codec_info *info = &reader->info;
    if (setjmp(png_jmpbuf(png))) return codec_fail_reading(&reader->io, message);
    png_set_user_limits(png, PNG_UINT_31_MAX, PNG_UINT_31_MAX);
    // All but what the pixels need is the caller's to read.
    png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, NULL, -1);
    png_read_info(png, meta);
    info->width = png_get_image_width(png, meta);
    info->height = png_get_image_height(png, meta);
    int type = png_get_color_type(png, meta);
    int depth = png_get_bit_depth(png, meta);
    int transparent = png_get_valid(png, meta, PNG_INFO_tRNS) != 0;
    info->color_bands = type & PNG_COLOR_MASK_COLOR ? 3 : 1;
    info->model = info->color_bands == 3 ? CODEC_RGB : CODEC_GRAY;
    info->bits = depth == 16 ? 16 : 8;
    info->alpha = type & PNG_COLOR_MASK_ALPHA || transparent ? CODEC_ALPHA_UNASSOCIATED
                                                             : CODEC_ALPHA_NONE;
    double packed = (double)png_get_rowbytes(png, meta) + 1;
    reader->row_byte_count = (size_t)info->width * codec_sample_count(info) * (info->bits / 8);
    codec_status status = codec_check_size(&reader->io, info, packed * info->height,
                                           (double)reader->row_byte_count * info->height,
                                           1040, byte_limit, message);   // 1032 is deflate's most
    if (status != CODEC_OK) return status;

    if (type == PNG_COLOR_TYPE_PALETTE) png_set_palette_to_rgb(png);
    if (type == PNG_COLOR_TYPE_GRAY && depth < 8) png_set_expand_gray_1_2_4_to_8(png);
    if (transparent) png_set_tRNS_to_alpha(png);
    const uint16_t one = 1;
    if (depth == 16 && *(const uint8_t *)&one == 1) png_set_swap(png);   // PNG is big-endian
    reader->passes = png_set_interlace_handling(png);
    png_read_update_info(png, meta);
    if (png_get_rowbytes(png, meta) != reader->row_byte_count)
        return codec_fail_reading(&reader->io, message);
    info->orientation = 1;
    return CODEC_OK;
}

codec_status codec_png_open(int fd, uint64_t byte_limit, codec_png_reader **result,
                            codec_info *info, codec_message *message) {
    codec_png_reader *reader = calloc(1, sizeof *reader);
    if (reader == NULL) return codec_fail(CODEC_OUT_OF_MEMORY, message, "memory ran out");
    codec_status status = CODEC_OK;
    if (!codec_io_open(&reader->io, fd, "PNG file"))
        status = codec_fail_reading(&reader->io, message);
    if (status == CODEC_OK) {
        reader->png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &reader->io, codec_png_error,
                                             codec_png_warning);
        if (reader->png != NULL) reader->meta = png_create_info_struct(reader->png);
        if (reader->meta == NULL) {
            status = codec_fail(CODEC_OUT_OF_MEMORY, message, "memory ran out");
        } else {
            png_set_read_fn(reader->png, &reader->io, codec_png_read_bytes);
            status = read_header(reader, byte_limit, message);
        }
    }
    if (status != CODEC_OK) {
        codec_png_reader_free(reader);
        return status;
    }
    *info = reader->info;
    *result = reader;
    return CODEC_OK;
}

codec_status codec_png_read(codec_png_reader *reader, void *samples, codec_message *message) {
    if (setjmp(png_jmpbuf(reader->png))) return codec_fail_reading(&reader->io, message);
    for (int pass = 0; pass < reader->passes; pass++)
        for (uint32_t y = 0; y < reader->info.height; y++)
            png_read_row(reader->png, (png_bytep)samples + y * reader->row_byte_count, NULL);
    png_read_end(reader->png, NULL);
    return CODEC_OK;
}

void codec_png_reader_free(codec_png_reader *reader) {
    if (reader == NULL) return;
    if (reader->png != NULL) png_destroy_read_struct(&reader->png, &reader->meta, NULL);
    free(reader);
}
