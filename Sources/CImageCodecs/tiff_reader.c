// TIFF: strips and tiles of one page, block by block.
#include <stdlib.h>
#include <string.h>

#include "tiff_reader.h"

// Whether the file has no bytes for a strip or tile of a plane, in what GDAL calls a sparse file.
static int is_missing(const codec_tiff_reader *reader, uint32_t number) {
    return TIFFGetStrileByteCount(reader->tiff, number) == 0
        && TIFFGetStrileOffset(reader->tiff, number) == 0;
}

static uint32_t missing_count(const codec_tiff_reader *reader) {
    uint32_t missing = 0, count = reader->blocks.is_tiled ? TIFFNumberOfTiles(reader->tiff)
                                                          : TIFFNumberOfStrips(reader->tiff);
    // Each has an entry in the file, which is longer than a byte.
    if (count > reader->io.byte_count) return 0;
    for (uint32_t i = 0; i < count; i++) missing += (uint32_t)is_missing(reader, i);
    return missing;
}

static codec_status find_blocks(codec_tiff_reader *reader, double ratio, uint64_t byte_limit,
                                codec_message *message) {
    TIFF *tiff = reader->tiff;
    codec_info *info = &reader->info;
    codec_blocks *blocks = &reader->blocks;
    double pixel = (double)codec_sample_count(info) * (info->bits / 8);
    // Dimensions first: the block arithmetic below relies on them.
    codec_status status = codec_check_size(&reader->io, info, 0, 0, ratio, byte_limit, message);
    if (status != CODEC_OK) return status;
    blocks->is_tiled = TIFFIsTiled(tiff);
    blocks->block_width = info->width;
    blocks->block_height = info->height;
    if (reader->blocks.is_tiled) {
        TIFFGetField(tiff, TIFFTAG_TILEWIDTH, &blocks->block_width);
        TIFFGetField(tiff, TIFFTAG_TILELENGTH, &blocks->block_height);
    } else {
        uint32_t rows = info->height;
        TIFFGetFieldDefaulted(tiff, TIFFTAG_ROWSPERSTRIP, &rows);
        if (rows < info->height) blocks->block_height = rows;
    }
    if (blocks->block_width == 0 || blocks->block_height == 0)
        return codec_fail(CODEC_UNREADABLE, message,
                          "its strips or tiles are %u x %u pixels: the file is damaged",
                          blocks->block_width, blocks->block_height);
    blocks->columns = (info->width - 1) / blocks->block_width + 1;
    blocks->rows = (info->height - 1) / blocks->block_height + 1;
    // Only blocks that are there need bytes in the file.
    double stored_block = (double)blocks->block_height
        * (double)codec_tiff_stored_row(reader, blocks->block_width);
    double missing = stored_block * missing_count(reader);
    double packed = (double)info->height * ((double)info->width * reader->stored_samples
                                            * reader->stored_bits / 8) - missing;
    double all_bytes = blocks->is_tiled
        ? stored_block * reader->planes * blocks->columns * blocks->rows - missing : 0;
    if (info->compression == CODEC_COMPRESSION_JPEG) {   // chroma may be halved twice
        packed /= 2;
        all_bytes /= 2;
    }
    status = codec_check_size(&reader->io, info, packed,
                              (double)info->width * info->height * pixel, ratio, byte_limit,
                              message);
    if (status != CODEC_OK) return status;
    double block_bytes = (double)blocks->block_width * blocks->block_height * pixel;
    if (block_bytes > (double)byte_limit || (double)blocks->columns * blocks->rows > UINT32_MAX / 4)
        return codec_fail(CODEC_TOO_LARGE, message,
                          "its strips or tiles of %u x %u pixels are above the limits",
                          blocks->block_width, blocks->block_height);
    if (all_bytes > ratio * (double)reader->io.byte_count + 4096)
        return codec_fail(CODEC_UNREADABLE, message,
                          "its header says %u x %u tiles of %u x %u pixels, which a file of %llu "
                          "bytes cannot hold: it is damaged or cut short",
                          blocks->columns, blocks->rows, blocks->block_width, blocks->block_height,
                          (unsigned long long)reader->io.byte_count);
    return CODEC_OK;
}

static codec_status open_reader(codec_tiff_reader *reader, int fd, uint64_t byte_limit,
                                uint64_t directory, codec_message *message) {
    if (!codec_io_open(&reader->io, fd, "TIFF file"))
        return codec_fail_reading(&reader->io, message);
    // No table or raw strip of a sound file is longer than the file; tables may widen when read.
    // 'h': no directory yet.
    reader->tiff = codec_tiff_handle(&reader->io, "rmh", 8 * reader->io.byte_count + (16 << 20));
    if (reader->tiff == NULL || TIFFSetSubDirectory(reader->tiff, directory) != 1)
        return codec_fail_reading(&reader->io, message);
    if (!TIFFGetField(reader->tiff, TIFFTAG_IMAGEWIDTH, &reader->info.width)
        || !TIFFGetField(reader->tiff, TIFFTAG_IMAGELENGTH, &reader->info.height))
        return codec_fail(CODEC_UNREADABLE, message, "it does not say how large its image is");
    reader->info.orientation = 1;
    double ratio = 1;
    codec_status status = codec_tiff_find_samples(reader, &ratio, message);
    return status == CODEC_OK ? find_blocks(reader, ratio, byte_limit, message) : status;
}

codec_status codec_tiff_open(int fd, uint64_t byte_limit, uint64_t directory,
                             codec_tiff_reader **result, codec_info *info, codec_blocks *blocks,
                             codec_message *message) {
    codec_tiff_reader *reader = calloc(1, sizeof *reader);
    if (reader == NULL) return codec_fail(CODEC_OUT_OF_MEMORY, message, "memory ran out");
    codec_status status = open_reader(reader, fd, byte_limit, directory, message);
    if (status != CODEC_OK) {
        codec_tiff_reader_free(reader);
        return status;
    }
    *info = reader->info;
    *blocks = reader->blocks;
    *result = reader;
    return CODEC_OK;
}

void codec_tiff_set_missing(codec_tiff_reader *reader, const void *sample) {
    memcpy(reader->missing, sample, reader->info.bits / 8);
}

void codec_tiff_displace(codec_tiff_reader *reader, uint64_t byte_count) {
    reader->io.displacement = byte_count;
}

// Reads a strip or tile of one plane (or of all samples) and insists on every byte of it. One that
// was never written is full of missing samples.
static int read_encoded(codec_tiff_reader *reader, uint32_t number, void *bytes, size_t count) {
    if (is_missing(reader, number)) {
        codec_tiff_fill_missing(reader, bytes, count,
                                codec_tiff_stored_row(reader, reader->blocks.block_width));
        return 1;
    }
    reader->io.text[0] = 0;
    reader->io.reached_end = 0;
    tmsize_t got = reader->blocks.is_tiled
        ? TIFFReadEncodedTile(reader->tiff, number, bytes, (tmsize_t)count)
        : TIFFReadEncodedStrip(reader->tiff, number, bytes, (tmsize_t)count);
    // The fax decoder goes on behind what it complains about.
    int is_damaged = reader->info.compression == CODEC_COMPRESSION_FAX && reader->io.text[0] != 0;
    return got == (tmsize_t)count && !is_damaged;
}

static void interleave(const codec_tiff_reader *reader, int plane, size_t pixel_count,
                       void *samples) {
    size_t size = reader->info.bits / 8, stride = (size_t)reader->planes * size;
    uint8_t *to = (uint8_t *)samples + (size_t)plane * size;
    const uint8_t *from = reader->plane;
    for (size_t i = 0; i < pixel_count; i++, to += stride, from += size)
        for (size_t byte = 0; byte < size; byte++) to[byte] = from[byte];
}

static void invert_gray(const codec_tiff_reader *reader, size_t pixel_count, void *samples) {
    const codec_info *info = &reader->info;
    size_t size = info->bits / 8, stride = codec_sample_count(info) * size;
    // The complement of each byte is the complement of the number; of 9 to 15 bits, that of these.
    uint8_t flips[8];
    memset(flips, 0xFF, sizeof flips);
    if (reader->stored_bits > 8 && reader->stored_bits < 16) {
        uint16_t most = (uint16_t)((1u << reader->stored_bits) - 1);
        memcpy(flips, &most, sizeof most);
    }
    uint8_t *bytes = samples;
    for (size_t i = 0; i < pixel_count; i++)
        for (size_t byte = 0; byte < size; byte++) bytes[i * stride + byte] ^= flips[byte];
}

// Alpha is the last sample of ours.
static void move_alpha_last(const codec_tiff_reader *reader, size_t pixel_count, void *samples) {
    size_t size = reader->info.bits / 8, stride = codec_sample_count(&reader->info) * size;
    size_t place = reader->info.alpha_place * size;
    for (uint8_t *pixel = samples; pixel_count > 0; pixel_count--, pixel += stride) {
        uint8_t alpha[8];
        memcpy(alpha, pixel + place, size);
        memmove(pixel + place, pixel + place + size, stride - place - size);
        memcpy(pixel + stride - size, alpha, size);
    }
}

static int reserve_plane(codec_tiff_reader *reader, size_t byte_count) {
    if (reader->plane == NULL) reader->plane = malloc(byte_count);
    return reader->plane != NULL;
}

// Reads a block by way of reader->plane: packed samples, or one plane after the other.
static codec_status read_planes(codec_tiff_reader *reader, uint32_t index, uint32_t height,
                                void *samples, codec_message *message) {
    const codec_blocks *blocks = &reader->blocks;
    size_t row_bytes = codec_tiff_stored_row(reader, blocks->block_width);
    if (!reserve_plane(reader, row_bytes * blocks->block_height))
        return codec_fail(CODEC_OUT_OF_MEMORY, message, "memory ran out");
    for (int plane = 0; plane < reader->planes; plane++) {
        uint32_t number = (uint32_t)plane * blocks->columns * blocks->rows + index;
        if (!read_encoded(reader, number, reader->plane, row_bytes * height))
            return codec_fail_reading(&reader->io, message);
        if (codec_tiff_is_packed(reader))
            codec_tiff_unpack(reader, plane, blocks->block_width, height, samples);
        else
            interleave(reader, plane, (size_t)blocks->block_width * height, samples);
    }
    return CODEC_OK;
}

codec_status codec_tiff_read_block(codec_tiff_reader *reader, uint32_t index, void *samples,
                                   codec_message *message) {
    const codec_info *info = &reader->info;
    const codec_blocks *blocks = &reader->blocks;
    uint32_t height = blocks->block_height;
    uint32_t below = info->height - index / blocks->columns * blocks->block_height;
    if (!reader->blocks.is_tiled && below < height) height = below;   // the last strip is short
    size_t pixel_count = (size_t)blocks->block_width * height;
    if (codec_tiff_is_packed(reader) || reader->planes > 1) {
        codec_status status = read_planes(reader, index, height, samples, message);
        if (status != CODEC_OK) return status;
    } else if (!read_encoded(reader, index, samples,
                             pixel_count * codec_sample_count(info) * (info->bits / 8))) {
        return codec_fail_reading(&reader->io, message);
    }
    if (reader->inverted) invert_gray(reader, pixel_count, samples);
    if (info->alpha != CODEC_ALPHA_NONE && info->alpha_place + 1 < codec_sample_count(info))
        move_alpha_last(reader, pixel_count, samples);
    return CODEC_OK;
}

void codec_tiff_reader_free(codec_tiff_reader *reader) {
    if (reader == NULL) return;
    if (reader->tiff != NULL) TIFFClose(reader->tiff);
    free(reader->plane);
    free(reader);
}
