// JPEG of 8 bits: baseline, extended and progressive, Huffman and arithmetic. YCbCr becomes RGB,
// YCCK CMYK, and CMYK counts ink, 0 none, whichever way the file counts it.
#include <stdlib.h>

#include "jpeg_io.h"

#include <jerror.h>

// A picture has about ten; each takes the work of decoding it once, however few bytes it has.
static const int scan_limit = 500;

struct codec_jpeg_reader {
    struct jpeg_decompress_struct jpeg;
    struct jpeg_progress_mgr progress;
    codec_jpeg_io io;
    codec_info info;
};

static void watch(j_common_ptr common) {
    j_decompress_ptr jpeg = (j_decompress_ptr)common;
    if (jpeg->input_scan_number > scan_limit)
        codec_jpeg_leave(common, "it has more than 500 scans, which no picture needs");
}

static codec_status fail(codec_jpeg_reader *reader, codec_message *message) {
    switch (reader->io.code) {
    case JERR_OUT_OF_MEMORY:
    case JERR_NO_BACKING_STORE:
        return codec_fail(CODEC_OUT_OF_MEMORY, message, "memory ran out");
    case JERR_BAD_PRECISION:
    case JERR_SOF_UNSUPPORTED:
    case JERR_ARITH_NOTIMPL:
        return codec_fail(CODEC_UNSUPPORTED, message,
                          "it is a JPEG of a kind that is not read: lossless, hierarchical or not "
                          "of 8 bits (%s)", reader->io.file.text);
    case JERR_IMAGE_TOO_BIG:
        return codec_fail(CODEC_UNSUPPORTED, message,
                          "it is a JPEG with a side of more than %ld pixels, which is not read",
                          (long)JPEG_MAX_DIMENSION);
    default:
        return codec_fail_reading(&reader->io.file, message);
    }
}

// The blocks of 8 x 8 samples of all components.
static double block_count(const struct jpeg_decompress_struct *jpeg) {
    double count = 0;
    for (int i = 0; i < jpeg->num_components; i++)
        count += (double)jpeg->comp_info[i].width_in_blocks * jpeg->comp_info[i].height_in_blocks;
    return count;
}

static codec_status check_sizes(codec_jpeg_reader *reader, uint64_t byte_limit,
                                uint64_t memory_limit, codec_message *message) {
    struct jpeg_decompress_struct *jpeg = &reader->jpeg;
    const codec_info *info = &reader->info;
    double blocks = block_count(jpeg);
    // Every block takes a bit at least; arithmetic coding squeezes empty ones further.
    double pixels = (double)info->width * info->height;
    codec_status status = codec_check_size(&reader->io.file, info, blocks / 8,
                                           pixels * info->color_bands, jpeg->arith_code ? 16 : 1,
                                           byte_limit, message);
    if (status != CODEC_OK) return status;
    double needed = blocks * 64 * sizeof(JCOEF);
    if (jpeg_has_multiple_scans(jpeg) && needed > (double)memory_limit)
        return codec_fail(CODEC_TOO_LARGE, message,
                          "it is progressive, and its %u x %u pixels take %.1f GB of memory while "
                          "they are decoded, above the limit of %.1f GB (see --cache)",
                          info->width, info->height, needed / 1e9, (double)memory_limit / 1e9);
    return CODEC_OK;
}

static codec_status read_header(codec_jpeg_reader *reader, uint64_t byte_limit,
                                uint64_t memory_limit, codec_message *message) {
    struct jpeg_decompress_struct *jpeg = &reader->jpeg;
    codec_info *info = &reader->info;
    if (setjmp(reader->io.place)) return fail(reader, message);
    jpeg_create_decompress(jpeg);
    codec_jpeg_set_source(jpeg, &reader->io);
    jpeg_read_header(jpeg, TRUE);
    info->width = jpeg->image_width;
    info->height = jpeg->image_height;
    info->color_bands = (uint32_t)jpeg->num_components;
    info->bits = 8;
    info->orientation = 1;
    if (jpeg->data_precision != 8)
        return codec_fail(CODEC_UNSUPPORTED, message, "it is a JPEG of %d bits; 8 are read",
                          jpeg->data_precision);
    switch (jpeg->jpeg_color_space) {
    case JCS_GRAYSCALE:
        info->model = CODEC_GRAY;
        break;
    case JCS_YCbCr:
    case JCS_RGB:
        info->model = CODEC_RGB;
        jpeg->out_color_space = JCS_RGB;
        break;
    case JCS_CMYK:
    case JCS_YCCK:
        info->model = CODEC_CMYK;
        jpeg->out_color_space = JCS_CMYK;
        break;
    default:
        return codec_fail(CODEC_UNSUPPORTED, message,
                          "it is a JPEG of %d components; gray, RGB and CMYK are read",
                          jpeg->num_components);
    }
    return check_sizes(reader, byte_limit, memory_limit, message);
}

codec_status codec_jpeg_open(int fd, uint64_t byte_limit, uint64_t memory_limit,
                             codec_jpeg_reader **result, codec_info *info,
                             codec_message *message) {
    codec_jpeg_reader *reader = calloc(1, sizeof *reader);
    if (reader == NULL) return codec_fail(CODEC_OUT_OF_MEMORY, message, "memory ran out");
    reader->jpeg.err = codec_jpeg_errors(&reader->io);
    codec_status status = CODEC_OK;
    if (!codec_io_open(&reader->io.file, fd, "JPEG file"))
        status = codec_fail_reading(&reader->io.file, message);
    if (status == CODEC_OK) status = read_header(reader, byte_limit, memory_limit, message);
    if (status != CODEC_OK) {
        codec_jpeg_reader_free(reader);
        return status;
    }
    *info = reader->info;
    *result = reader;
    return CODEC_OK;
}

codec_status codec_jpeg_read(codec_jpeg_reader *reader, void *samples, codec_message *message) {
    struct jpeg_decompress_struct *jpeg = &reader->jpeg;
    if (setjmp(reader->io.place)) return fail(reader, message);
    reader->io.is_strict = 1;
    reader->progress.progress_monitor = watch;
    jpeg->progress = &reader->progress;
    jpeg_start_decompress(jpeg);
    size_t row_byte_count = (size_t)reader->info.width * reader->info.color_bands;
    int counts_paper = reader->info.model == CODEC_CMYK && jpeg->saw_Adobe_marker;
    while (jpeg->output_scanline < jpeg->output_height) {
        JSAMPROW row = (JSAMPROW)samples + jpeg->output_scanline * row_byte_count;
        jpeg_read_scanlines(jpeg, &row, 1);
        for (size_t i = 0; counts_paper && i < row_byte_count; i++) row[i] ^= 0xFF;
    }
    jpeg_finish_decompress(jpeg);
    return CODEC_OK;
}

void codec_jpeg_reader_free(codec_jpeg_reader *reader) {
    if (reader == NULL) return;
    jpeg_destroy_decompress(&reader->jpeg);
    free(reader);
}
